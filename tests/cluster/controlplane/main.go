// The control plane of Kubernetes in one binary, for tests and for the demo:
//
//	controlplane etcd <data-dir> <client-url> <peer-url>
//	controlplane kube-apiserver | kube-controller-manager | kube-scheduler [flags as upstream]
package main

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: controlplane etcd|kube-apiserver|kube-controller-manager|kube-scheduler ...")
	}
	component := os.Args[1]
	os.Args = append([]string{component}, os.Args[2:]...)
	commands := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllers.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	}
	if component == "etcd" {
		etcd(os.Args[1:])
		return
	}
	command, known := commands[component]
	if !known {
		fail("unknown component " + component)
	}
	os.Exit(cli.Run(command()))
}

func etcd(args []string) {
	if len(args) != 3 {
		fail("usage: controlplane etcd <data-dir> <client-url> <peer-url>")
	}
	client, peer := parse(args[1]), parse(args[2])
	config := embed.NewConfig()
	config.Dir = args[0]
	config.LogLevel = "error"
	config.UnsafeNoFsync = true // the data of a test or a demo need not survive a power cut
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		fail(err.Error())
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	server.Close()
}

func parse(address string) url.URL {
	parsed, err := url.Parse(address)
	if err != nil {
		fail(err.Error())
	}
	return *parsed
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}
