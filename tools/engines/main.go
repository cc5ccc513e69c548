// Policy engines: OPA, CUE and cel-go with Kubernetes' libraries, in one resident process that serves its parent.
//
// A frame is a length and a number of four bytes each, big endian, and that many bytes of JSON. Requests come on standard
// input and are answered on standard output in their order, one at a time, each answer under its request's number. Whoever asks keeps the deadline, and kills the process when
// it has passed: none of the three engines can be trusted to stop by itself.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	_ "time/tzdata" // time zones without a file system, and the same ones on every machine
)

const (
	// Memory that the process may have, in bytes; beyond it, it dies. An idle one has some 40 MiB.
	memoryLimitBytes = 512 << 20
	// Below Go's own limit of 1 GiB, so that endless recursion ends as what it is.
	stackLimitBytes = 128 << 20
)

func main() {
	debug.SetMaxStack(stackLimitBytes)
	debug.SetMemoryLimit(memoryLimitBytes / 4 * 3) // the collector works harder before the limit is reached
	if err := confine(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot be confined:", err)
		os.Exit(1)
	}
	requests := make(chan frame)
	go answerAll(requests)
	input := bufio.NewReader(os.Stdin)
	for {
		request, err := readFrame(input)
		if err == io.EOF {
			// Nobody waits for an answer any more: an evaluation under way, however long, ends here.
			os.Exit(0)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "unreadable request:", err)
			os.Exit(1)
		}
		requests <- request
	}
}

type frame struct {
	number  uint32
	content []byte
}

func answerAll(requests <-chan frame) {
	for request := range requests {
		if err := writeFrame(os.Stdout, frame{request.number, answerRequest(request.content)}); err != nil {
			os.Exit(1)
		}
	}
}

const headerBytes = 8

func writeFrame(output io.Writer, written frame) error {
	bytes := make([]byte, 0, headerBytes+len(written.content))
	bytes = binary.BigEndian.AppendUint32(bytes, uint32(len(written.content)))
	bytes = binary.BigEndian.AppendUint32(bytes, written.number)
	_, err := output.Write(append(bytes, written.content...))
	return err
}

func readFrame(input io.Reader) (frame, error) {
	var header [headerBytes]byte
	if _, err := io.ReadFull(input, header[:]); err != nil {
		return frame{}, err
	}
	length := binary.BigEndian.Uint32(header[:4])
	if length > maxRequestBytes {
		return frame{}, fmt.Errorf("%d bytes, more than the %d allowed", length, maxRequestBytes)
	}
	read := frame{binary.BigEndian.Uint32(header[4:]), make([]byte, length)}
	if _, err := io.ReadFull(input, read.content); err != nil {
		return frame{}, fmt.Errorf("cut short: %w", err)
	}
	return read, nil
}
