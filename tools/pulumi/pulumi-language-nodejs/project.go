package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// The Node project that a program belongs to: what is found from the program's folder upwards.
type project struct{ directory string }

// The nearest file or folder of that name, or "".
func (p project) find(name string) string {
	for directory := p.directory; ; directory = filepath.Dir(directory) {
		candidate := filepath.Join(directory, name)
		if _, err := os.Stat(candidate); err == nil {
			return candidate
		}
		if directory == filepath.Dir(directory) {
			return ""
		}
	}
}

// The Node that the project installed for itself, else the one on PATH.
func (p project) node() string {
	if own := p.find("node_modules/.bin/node"); own != "" {
		return own
	}
	if found, err := exec.LookPath("node"); err == nil {
		return found
	}
	return "node"
}

// A command of the project's own @pulumi/pulumi.
func (p project) sdk(command string) string {
	name := filepath.Join("node_modules/@pulumi/pulumi/cmd", command, "index.js")
	if found := p.find(name); found != "" {
		return found
	}
	return filepath.Join(p.directory, name)
}

// What is loaded before a program, where the project has it.
func (p project) preloads() []string {
	var flags []string
	for _, name := range []string{"inspect-guard.cjs", "lean-sdk.cjs"} {
		if found := p.find(filepath.Join("tools/pulumi", name)); found != "" {
			flags = append(flags, "--require="+found)
		}
	}
	return flags
}

// Compiled code that the project's set-up has left is used and kept up to date: it takes a fifth off
// every preview. Nothing is left where there is none, because writing it costs as much.
func (p project) compileCache() []string {
	kept := p.find(".sluice/compile-cache")
	if os.Getenv("NODE_COMPILE_CACHE") != "" || kept == "" {
		return nil
	}
	return []string{"NODE_COMPILE_CACHE=" + kept}
}

// The direct dependencies in the nearest package.json, with the versions that are installed; none
// where there is no package.json.
func (p project) dependencies() []*pulumirpc.DependencyInfo {
	var wanted struct{ Dependencies map[string]string }
	if !readJSON(p.find("package.json"), &wanted) {
		return nil
	}
	found := []*pulumirpc.DependencyInfo{}
	for name, version := range wanted.Dependencies {
		var installed struct{ Version string }
		if readJSON(p.find(filepath.Join("node_modules", name, "package.json")), &installed) {
			version = installed.Version
		}
		found = append(found, &pulumirpc.DependencyInfo{Name: name, Version: version})
	}
	return found
}

func (p project) sdkVersion() string {
	var sdk struct{ Version string }
	readJSON(p.find("node_modules/@pulumi/pulumi/package.json"), &sdk)
	return sdk.Version
}

func readJSON(file string, into any) bool {
	text, err := os.ReadFile(file)
	return err == nil && json.Unmarshal(text, into) == nil
}

// The options below `runtime:` in Pulumi.yaml.
type options struct {
	nodeArguments []string
	environment   []string
	stripsTypes   bool
}

func optionsOf(info *pulumirpc.ProgramInfo) options {
	given := info.GetOptions().AsMap()
	stripsTypes := given["typescript"] == false
	read := options{stripsTypes: stripsTypes}
	if text, ok := given["nodeargs"].(string); ok {
		read.nodeArguments = strings.Fields(text)
	}
	read.environment = []string{"PULUMI_NODEJS_TYPESCRIPT=true"}
	if stripsTypes {
		read.environment = []string{"PULUMI_NODEJS_TYPESCRIPT=false"}
	}
	if file, ok := given["tsconfig"].(string); ok {
		read.environment = append(read.environment, "PULUMI_NODEJS_TSCONFIG_PATH="+file)
	}
	return read
}
