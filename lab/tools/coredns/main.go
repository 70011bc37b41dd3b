// Command coredns is CoreDNS with the plugins that a cluster's DNS needs, and those of the DNS server in the Gateway API's
// conformance suite (forward, log, whoami).
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/whoami"
)

func init() {
	dnsserver.Directives = []string{"ready", "errors", "log", "cache", "kubernetes", "forward", "whoami"}
}

func main() {
	coremain.Run()
}
