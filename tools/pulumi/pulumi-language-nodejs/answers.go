package main

import (
	"bytes"
	"io"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// The answers to one call: a stream takes one message at a time, a process has two outputs.
type answers struct {
	mutex  sync.Mutex
	stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse]
}

func (a *answers) send(answer *pulumirpc.RunPluginResponse) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.stream.Send(answer)
}

// Sends what is written, each piece wrapped as an answer.
func writer(wrap func([]byte) *pulumirpc.RunPluginResponse, to *answers) io.Writer {
	return pipe(func(data []byte) (int, error) {
		return len(data), to.send(wrap(bytes.Clone(data)))
	})
}

type pipe func([]byte) (int, error)

func (p pipe) Write(data []byte) (int, error) { return p(data) }
