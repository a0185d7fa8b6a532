// Loads a compose file as `docker compose config` does, with the library that it is made of, and prints it as JSON.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithName("k8s-inventory"))
	if err == nil {
		project, failure := options.LoadProject(context.Background())
		if failure == nil {
			text, failure := project.MarshalJSON()
			if failure == nil {
				fmt.Println(string(text))
				return
			}
		}
		err = failure
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
