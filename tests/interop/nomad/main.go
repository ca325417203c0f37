// Reads a sample of the mapping nomad as Nomad's own client would, and refuses keys that its types do not have.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/nomad/api"
)

func read(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil && bytes.HasPrefix(text, []byte("[")) {
		err = read(text, &[]api.JobListStub{})
	} else if err == nil {
		err = read(text, &struct {
			Jobs        []api.Job                `json:"jobs"`
			Allocations []api.AllocationListStub `json:"allocations"`
		}{})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
