package main

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// The processes that run for this runtime.
type children struct {
	mutex   sync.Mutex
	running map[*os.Process]bool
}

// Runs a command to its end. A call that is cancelled ends it politely.
func (c *children) run(command *exec.Cmd) error {
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := command.Start(); err != nil {
		return err
	}
	c.set(command.Process, true)
	defer c.set(command.Process, false)
	return command.Wait()
}

func (c *children) set(process *os.Process, running bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.running == nil {
		c.running = map[*os.Process]bool{}
	}
	if running {
		c.running[process] = true
	} else {
		delete(c.running, process)
	}
}

func (c *children) signal(signal os.Signal) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for process := range c.running {
		_ = process.Signal(signal)
	}
}
