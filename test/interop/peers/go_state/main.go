// One connection of Go's crypto/tls, and what it knows of it, as JSON: go_state -port PORT -root FILE [options]
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

var (
	port     = flag.String("port", "", "where the server is on 127.0.0.1")
	root     = flag.String("root", "", "PEM file of the root to trust")
	name     = flag.String("name", "localhost", "server name")
	protocol = flag.String("alpn", "", "protocols, with commas between")
	keyLog   = flag.String("keylog", "", "file for the secrets")
	ech      = flag.String("ech", "", "ECHConfigList in base64")
	label    = flag.String("export", "EXPORTER-none", "label of what is exported")
)

type state struct {
	Resumed    bool     `json:"resumed"`
	Retried    bool     `json:"retried"`
	Protocol   string   `json:"protocol"`
	OCSP       string   `json:"ocsp"`
	Timestamps []string `json:"timestamps"`
	Exported   string   `json:"exported"`
	Answer     string   `json:"answer"`
	ECH        bool     `json:"ech"`
	// The ECHConfigList to try again with, in base64, of a server that rejected the one given. Then nothing else is known.
	ECHRetry string `json:"echRetry"`
}

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run() error {
	pem, err := os.ReadFile(*root)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, ServerName: *name, MinVersion: tls.VersionTLS13}
	if *protocol != "" {
		config.NextProtos = strings.Split(*protocol, ",")
	}
	if *keyLog != "" {
		file, err := os.Create(*keyLog)
		if err != nil {
			return err
		}
		defer file.Close()
		config.KeyLogWriter = file
	}
	if *ech != "" {
		list, err := base64.StdEncoding.DecodeString(*ech)
		if err != nil {
			return err
		}
		config.EncryptedClientHelloConfigList = list
	}
	connection, err := tls.Dial("tcp", "127.0.0.1:"+*port, config)
	var rejection *tls.ECHRejectionError
	if errors.As(err, &rejection) {
		return json.NewEncoder(os.Stdout).Encode(state{
			Timestamps: []string{}, ECHRetry: base64.StdEncoding.EncodeToString(rejection.RetryConfigList),
		})
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(connection, "there and back\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return err
	}
	known := connection.ConnectionState()
	exported, err := known.ExportKeyingMaterial(*label, []byte{}, 32)
	if err != nil {
		return err
	}
	seen := state{
		Resumed: known.DidResume, Retried: known.HelloRetryRequest, Protocol: known.NegotiatedProtocol,
		OCSP: hex.EncodeToString(known.OCSPResponse), Exported: hex.EncodeToString(exported), Answer: answer,
		ECH:        known.ECHAccepted,
		Timestamps: []string{},
	}
	for _, timestamp := range known.SignedCertificateTimestamps {
		seen.Timestamps = append(seen.Timestamps, hex.EncodeToString(timestamp))
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		return err
	}
	return connection.Close()
}
