// A pipe over Go's crypto/tls: go_client PORT ROOT_FILE HANDSHAKE CERTIFICATE_FILE KEY_FILE
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(port, rootFile, handshake, certificateFile, keyFile string) error {
	resume := handshake == "resumed"
	pem, err := os.ReadFile(rootFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{
		RootCAs:            roots,
		ServerName:         "localhost",
		MinVersion:         tls.VersionTLS13,
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	if handshake == "client certificate" {
		certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
		if err != nil {
			return err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	if resume {
		// The ticket comes with what is read.
		first, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(first, "MOVE 0 0 warm-up\n"); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, first); err != nil {
			return err
		}
		first.Close()
	}
	connection, err := tls.Dial("tcp", "127.0.0.1:"+port, config)
	if err != nil {
		return err
	}
	if connection.ConnectionState().DidResume != resume {
		return fmt.Errorf("resumed: %v", !resume)
	}
	go func() {
		io.Copy(connection, os.Stdin)
		connection.CloseWrite()
	}()
	if _, err := io.Copy(os.Stdout, connection); err != nil {
		return err
	}
	return connection.Close()
}
