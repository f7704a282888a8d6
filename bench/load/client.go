package main

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
	_ "unsafe" // for linkname
)

// The client must be able to offer one suite only; crypto/tls has no option for it in TLS 1.3.
//
//go:linkname defaultCipherSuitesTLS13 crypto/tls.defaultCipherSuitesTLS13
var defaultCipherSuitesTLS13 []uint16

//go:linkname defaultCipherSuitesTLS13NoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var defaultCipherSuitesTLS13NoAES []uint16

const patience = 20 * time.Second

// dialer makes connections that offer exactly what the command says.
type dialer struct {
	command *command
	config  *tls.Config
	suite   atomic.Uint32
	mixed   atomic.Bool
}

func newDialer(c *command) *dialer {
	defaultCipherSuitesTLS13 = c.Suites
	defaultCipherSuitesTLS13NoAES = c.Suites
	return &dialer{command: c, config: &tls.Config{
		ServerName:         "localhost",
		InsecureSkipVerify: true, // the chain; the signature is checked all the same
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.CurveID(c.Group)},
	}}
}

// open completes a handshake.
func (d *dialer) open(config *tls.Config, resumed bool) (*tls.Conn, error) {
	raw, err := net.DialTCP("tcp4", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: d.command.Port})
	if err != nil {
		return nil, err
	}
	raw.SetDeadline(time.Now().Add(patience))
	c := tls.Client(raw, config)
	if err = c.Handshake(); err == nil {
		err = d.check(c.ConnectionState(), resumed)
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// say sends the first bytes; when they ask for an echo it waits for one byte of it.
func say(c *tls.Conn, first []byte) error {
	_, err := c.Write(first)
	if err == nil && first[0] == kindEcho {
		var b [1]byte
		if _, err = io.ReadFull(c, b[:]); err == nil && b[0] != kindEcho {
			err = errors.New("the echoed byte is not what was sent")
		}
	}
	return err
}

// dial completes a handshake and one echoed byte, so that the server has connected its backend.
func (d *dialer) dial(config *tls.Config, first []byte, resumed bool) (*tls.Conn, error) {
	c, err := d.open(config, resumed)
	if err != nil {
		return nil, err
	}
	if err = say(c, first); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

var echoByte = []byte{kindEcho}

// check refuses a connection that is not what the row says.
func (d *dialer) check(s tls.ConnectionState, resumed bool) error {
	if s.Version != tls.VersionTLS13 {
		return fmt.Errorf("negotiated %s", tls.VersionName(s.Version))
	}
	if uint16(s.CurveID) != d.command.Group {
		return fmt.Errorf("negotiated group %v", s.CurveID)
	}
	if s.DidResume != resumed {
		return fmt.Errorf("resumed: %t, asked for %t", s.DidResume, resumed)
	}
	key := "other"
	switch s.PeerCertificates[0].PublicKey.(type) {
	case *ecdsa.PublicKey:
		key = "ECDSA"
	case *rsa.PublicKey:
		key = "RSA"
	}
	if key != d.command.Key {
		return fmt.Errorf("the certificate's key is %s", key)
	}
	if old := d.suite.Swap(uint32(s.CipherSuite)); old != 0 && old != uint32(s.CipherSuite) {
		d.mixed.Store(true)
	}
	return nil
}

func (d *dialer) answer(count int64, start time.Time) answer {
	a := answer{Count: count, Seconds: time.Since(start).Seconds(), Suite: uint16(d.suite.Load())}
	if d.mixed.Load() {
		a.Suite = 0
	}
	return a
}

// each runs work on `concurrency` goroutines until `count` calls are done or one failed.
func each(concurrency int, count int64, work func(worker int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for w := range concurrency {
		all.Go(func() {
			for next.Add(1) <= count && failed.Load() == nil {
				if err := work(w); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// handshakes: connect, handshake, one byte and its echo, close; Count times.
func handshakes(c *command) (answer, error) {
	d := newDialer(c)
	configs := make([]*tls.Config, c.Concurrency)
	for w := range configs {
		configs[w] = d.config
		if c.Resume {
			configs[w] = d.config.Clone()
			session, err := d.session(w)
			if err != nil {
				return answer{}, err
			}
			configs[w].ClientSessionCache = session
		}
	}
	start := time.Now()
	err := each(c.Concurrency, c.Count, func(w int) error {
		conn, err := d.dial(configs[w], echoByte, c.Resume)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	settle(held())
	return d.answer(c.Count, start), err
}

// newestSession keeps the newest ticket it has seen. A ticket that comes after the one byte that is read is never seen: then
// the one before is offered again.
type newestSession struct{ state *tls.ClientSessionState }

func (s *newestSession) Get(string) (*tls.ClientSessionState, bool) { return s.state, s.state != nil }
func (s *newestSession) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		s.state = state
	}
}

// worker is one of those that work at the same time against a server, by its port.
type worker struct{ port, number int }

// sessions outlive commands: a command of resumed handshakes begins with full ones only once.
var sessions = map[worker]*newestSession{}

// session is the worker's; where it has none it makes one full handshake and reads until a ticket has come.
func (d *dialer) session(number int) (*newestSession, error) {
	who := worker{d.command.Port, number}
	if session := sessions[who]; session != nil {
		return session, nil
	}
	session := &newestSession{}
	config := d.config.Clone()
	config.ClientSessionCache = session
	conn, err := d.dial(config, echoByte, false)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if session.state == nil {
		conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		conn.Read(make([]byte, 1))
	}
	if session.state == nil {
		return nil, errors.New("no session ticket within 300 ms")
	}
	sessions[who] = session
	return session, nil
}

// latency: full handshakes at a fixed rate, each on its own; milliseconds from connect to the echoed byte.
func latency(c *command) (answer, error) {
	d := newDialer(c)
	latencies := make([]float64, c.Count)
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	start := time.Now()
	for i := range c.Count {
		time.Sleep(time.Until(start.Add(time.Duration(float64(i) / c.Rate * float64(time.Second)))))
		all.Go(func() {
			begin := time.Now()
			conn, err := d.dial(d.config, echoByte, false)
			latencies[i] = float64(time.Since(begin).Microseconds()) / 1000
			if err != nil {
				failed.Store(&err)
				return
			}
			conn.Close()
		})
	}
	all.Wait()
	settle(held())
	a := d.answer(c.Count, start)
	a.Latencies = latencies
	if err := failed.Load(); err != nil {
		return a, *err
	}
	return a, nil
}

// firstReply: Count connections one after the other; milliseconds from the first byte sent to the whole of the first reply, which
// the backend sends in two parts. A server that gathers small writes waits with the second for the first's acknowledgement.
func firstReply(c *command) (answer, error) {
	d := newDialer(c)
	start := time.Now()
	var replies []float64
	for range c.Count {
		conn, err := d.open(d.config, false)
		if err != nil {
			return answer{}, err
		}
		begin := time.Now()
		if _, err = conn.Write([]byte{kindParts}); err == nil {
			_, err = io.ReadFull(conn, make([]byte, 2))
		}
		replies = append(replies, float64(time.Since(begin).Microseconds())/1000)
		conn.Close()
		if err != nil {
			return answer{}, err
		}
	}
	settle(held())
	a := d.answer(c.Count, start)
	a.Latencies = replies
	return a, nil
}

// transfer moves Count bytes, divided among Concurrency connections.
func transfer(c *command, kind byte) (answer, error) {
	d := newDialer(c)
	size := c.Count / int64(c.Concurrency)
	start := time.Now()
	err := each(c.Concurrency, int64(c.Concurrency), func(int) error {
		header := binary.BigEndian.AppendUint64([]byte{kind}, uint64(size))
		conn, err := d.dial(d.config, header, false)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(2 * time.Minute))
		if kind == kindDownload {
			return receiveChecked(conn, size)
		}
		if err := send(conn, size); err != nil {
			return err
		}
		return receive(conn, 1)
	})
	settle(held())
	return d.answer(size*int64(c.Concurrency), start), err
}

// receiveChecked reads size bytes and compares one byte of each read with the pattern.
func receiveChecked(r io.Reader, size int64) error {
	b := buffers.Get().([]byte)
	defer buffers.Put(b)
	for at := int64(0); at < size; {
		n, err := r.Read(b[:min(size-at, chunkLength)])
		if err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", at, size, err)
		}
		if n > 0 && b[0] != pattern(int(at%chunkLength)) {
			return fmt.Errorf("byte %d is not what was sent", at)
		}
		at += int64(n)
	}
	return nil
}

const messageLength = 64

// roundTrips: Count messages of 64 bytes and their echoes over Concurrency connections.
func roundTrips(c *command) (answer, error) {
	d := newDialer(c)
	conns := make([]*tls.Conn, c.Concurrency)
	for i := range conns {
		conn, err := d.dial(d.config, echoByte, false)
		if err != nil {
			return answer{}, err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		conns[i] = conn
	}
	start := time.Now()
	err := each(c.Concurrency, c.Count, func(w int) error {
		var message, echo [messageLength]byte
		copy(message[:], source[w:])
		if _, err := conns[w].Write(message[:]); err != nil {
			return err
		}
		if _, err := io.ReadFull(conns[w], echo[:]); err != nil {
			return err
		}
		if echo != message {
			return errors.New("the echo is not what was sent")
		}
		return nil
	})
	return d.answer(c.Count, start), err
}

// connections that `hold` keeps open and idle until `release`.
var idle []*tls.Conn

func held() int64 { return int64(len(idle)) }

// hold opens Count more connections and leaves them idle.
func hold(c *command) (answer, error) {
	d := newDialer(c)
	start := time.Now()
	var lock sync.Mutex
	err := each(c.Concurrency, c.Count, func(int) error {
		conn, err := d.dial(d.config, echoByte, false)
		if err != nil {
			return err
		}
		conn.SetDeadline(time.Time{})
		lock.Lock()
		defer lock.Unlock()
		idle = append(idle, conn)
		return nil
	})
	return d.answer(held(), start), err
}

// connections that `stall` has begun to read from.
var stalled []*tls.Conn

const (
	endless    = 1 << 40
	stallAfter = 1 << 20
)

// stall begins Count more downloads, and reads no further after the first part of each.
func stall(c *command) (answer, error) {
	d := newDialer(c)
	start := time.Now()
	var lock sync.Mutex
	err := each(c.Concurrency, c.Count, func(int) error {
		conn, err := d.dial(d.config, binary.BigEndian.AppendUint64([]byte{kindDownload}, endless), false)
		if err != nil {
			return err
		}
		lock.Lock()
		stalled = append(stalled, conn)
		lock.Unlock()
		// What the kernel keeps is not what is measured.
		conn.NetConn().(*net.TCPConn).SetReadBuffer(64 << 10)
		return receiveChecked(conn, stallAfter)
	})
	return d.answer(int64(len(stalled)), start), err
}

// release closes what hold opened, after one more echoed byte on each: they must have lived.
func release() (answer, error) {
	start := time.Now()
	count := held()
	var dead error
	for _, conn := range stalled {
		conn.NetConn().Close()
	}
	stalled = nil
	for _, conn := range idle {
		conn.SetDeadline(time.Now().Add(patience))
		var b [1]byte
		if _, err := conn.Write(echoByte); err != nil {
			dead = fmt.Errorf("an idle connection died: %w", err)
		} else if _, err := io.ReadFull(conn, b[:]); err != nil {
			dead = fmt.Errorf("an idle connection died: %w", err)
		}
		conn.Close()
	}
	idle = nil
	settle(0)
	return answer{Count: count, Seconds: time.Since(start).Seconds()}, dead
}
