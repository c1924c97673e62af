// The language runtime of the engine that is built from its Go module: it starts Node programs.
//
// The official one comes with Pulumi's own distribution only. This one speaks the same protocol
// (LanguageRuntime over gRPC, the port on the first line of stdout) for what a project needs:
// programs, providers and policy packs in JavaScript or TypeScript. The engine starts it twice for
// every preview, which is why it is not a Node program itself.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

const largestMessage = 400 << 20

func main() {
	runtime := &languageRuntime{engine: lastArgument()}
	go endWithParent(runtime)
	go endOnSignal(runtime)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail("cannot listen on 127.0.0.1", err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(largestMessage))
	pulumirpc.RegisterLanguageRuntimeServer(server, runtime)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); err != nil {
		fail("stopped serving", err)
	}
}

// The engine's address; flags before it are not for us.
func lastArgument() string {
	for i := len(os.Args) - 1; i > 0; i-- {
		if os.Args[i] != "" && os.Args[i][0] != '-' {
			return os.Args[i]
		}
	}
	return ""
}

// After kill -9 of the CLI nobody ends this process or the programs it started: it has to notice.
func endWithParent(runtime *languageRuntime) {
	for parent := os.Getppid(); os.Getppid() == parent; {
		time.Sleep(500 * time.Millisecond)
	}
	runtime.children.signal(syscall.SIGKILL)
	os.Exit(1)
}

func endOnSignal(runtime *languageRuntime) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	runtime.children.signal(<-signals)
	os.Exit(1)
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "pulumi-language-nodejs %s: %v\n", what, err)
	os.Exit(1)
}
