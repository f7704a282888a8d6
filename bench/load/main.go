// Command load is the load client and the backend of Sallyport's bench, in one process on one core.
//
// It reads one JSON command per line and answers each with one JSON line. Nothing is timed here but the latencies: the
// figure of the bench is the server's CPU time, which the caller reads before and after a command.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// command is what the driver asks for. Fields a command does not use are left out.
type command struct {
	Op string `json:"op"`
	// Port of the server on 127.0.0.1.
	Port int `json:"port"`
	// What the client offers, and so what the server must take.
	Suites []uint16 `json:"suites"`
	Group  uint16   `json:"group"`
	// Key type the server's certificate must have: ECDSA or RSA.
	Key    string `json:"key"`
	Resume bool   `json:"resume"`
	// Connections, bytes or round trips to do, all in all.
	Count int64 `json:"count"`
	// How many connections work at the same time.
	Concurrency int `json:"concurrency"`
	// Handshakes per second, for the latency command.
	Rate float64 `json:"rate"`
}

// answer is what a command found. Suite is the one all connections agreed on, 0 when they differ.
type answer struct {
	Error     string    `json:"error,omitempty"`
	Port      int       `json:"port,omitempty"`
	Count     int64     `json:"count"`
	Suite     uint16    `json:"suite,omitempty"`
	Seconds   float64   `json:"seconds,omitempty"`
	Latencies []float64 `json:"latencies,omitempty"` // milliseconds
}

func main() {
	// One core is what the bench gives this process; more threads would only switch.
	runtime.GOMAXPROCS(1)
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, "load: ", err)
			os.Exit(2)
		}
		a, err := run(&c)
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			os.Exit(1)
		}
	}
}

func run(c *command) (answer, error) {
	switch c.Op {
	case "backend":
		return startBackend()
	case "handshakes":
		return handshakes(c)
	case "latency":
		return latency(c)
	case "first_reply":
		return firstReply(c)
	case "download":
		return transfer(c, kindDownload)
	case "upload":
		return transfer(c, kindUpload)
	case "round_trips":
		return roundTrips(c)
	case "hold":
		return hold(c)
	case "stall":
		return stall(c)
	case "release":
		return release()
	}
	return answer{}, fmt.Errorf("unknown op %q", c.Op)
}
