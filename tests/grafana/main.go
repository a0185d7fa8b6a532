// Reads a dashboard from standard input by Grafana's own schema: a field that is unknown, missing or of another type is
// an error, in the options of panels, too. Prints what is wrong.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// main knows the options of these panels, and would take any of others.
func main() {
	cog.NewRuntime().RegisterPanelcfgVariant(stat.VariantConfig())
	cog.NewRuntime().RegisterPanelcfgVariant(table.VariantConfig())
	cog.NewRuntime().RegisterPanelcfgVariant(timeseries.VariantConfig())
	text, err := io.ReadAll(os.Stdin)
	read := dashboard.Dashboard{}
	for _, check := range []func() error{
		func() error { return err },
		func() error { return read.UnmarshalJSONStrict(text) },
		read.Validate,
	} {
		// A list of no errors is an error, too, whose text is empty.
		if wrong := check(); wrong != nil && wrong.Error() != "" {
			fmt.Println(wrong)
			os.Exit(1)
		}
	}
}
