package main

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The first byte on a backend connection says what the rest of it is.
const (
	kindEcho     = 'e' // sent back, and so is all that follows
	kindParts    = 'p' // answered with two bytes, one shortly after the other
	kindDownload = 'd' // with an 8-byte count: that many bytes are sent
	kindUpload   = 'u' // with an 8-byte count: that many bytes are read, then one byte is sent
)

const chunkLength = 256 << 10

// source is what every download sends; pattern() tells which byte is where.
var source = func() []byte {
	b := make([]byte, chunkLength)
	for i := range b {
		b[i] = pattern(i)
	}
	return b
}()

func pattern(i int) byte { return byte(i ^ i>>8 ^ i>>16) }

// open is the number of backend connections that are not over yet.
var open atomic.Int64

// buffers for transfers: idle connections hold none.
var buffers = sync.Pool{New: func() any { return make([]byte, chunkLength) }}

func startBackend() (answer, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return answer{}, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() {
				defer open.Add(-1)
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return answer{Port: l.Addr().(*net.TCPAddr).Port}, nil
}

func serve(c net.Conn) {
	var small [64]byte
	n, err := c.Read(small[:])
	if err != nil {
		return
	}
	if small[0] == kindEcho {
		for err == nil {
			if _, err = c.Write(small[:n]); err == nil {
				n, err = c.Read(small[:])
			}
		}
		return
	}
	if small[0] == kindParts {
		c.Write(small[:1])
		time.Sleep(time.Millisecond)
		c.Write(small[:1])
		io.Copy(io.Discard, c) // the client closes first
		return
	}
	for n < 9 {
		m, err := c.Read(small[n:])
		if err != nil {
			return
		}
		n += m
	}
	size := int64(binary.BigEndian.Uint64(small[1:9]))
	if small[0] == kindDownload {
		send(c, size)
		return
	}
	if receive(c, size-int64(n-9)) == nil {
		c.Write([]byte{1})
		io.Copy(io.Discard, c) // the client closes first
	}
}

// send writes size bytes of the pattern.
func send(w io.Writer, size int64) error {
	for size > 0 {
		n, err := w.Write(source[:min(size, chunkLength)])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// receive reads size bytes and drops them.
func receive(r io.Reader, size int64) error {
	b := buffers.Get().([]byte)
	defer buffers.Put(b)
	for size > 0 {
		n, err := r.Read(b[:min(size, chunkLength)])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// settle waits until the server has closed its backend connections down to `left`: closing is part of its work.
func settle(left int64) {
	for i := 0; i < 200 && open.Load() > left; i++ {
		time.Sleep(5 * time.Millisecond)
	}
}
