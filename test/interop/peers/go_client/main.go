// A pipe over Go's crypto/tls: go_client PORT ROOT_FILE [resume]
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1], os.Args[2], len(os.Args) > 3); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(port, rootFile string, resume bool) error {
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
