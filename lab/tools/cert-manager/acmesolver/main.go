// Command acmesolver answers one HTTP-01 challenge, with the flags of cert-manager's own cmd/acmesolver, which is a module that
// no proxy serves.
package main

import (
	"flag"
	"log"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

func main() {
	var one solver.HTTP01Solver
	flag.IntVar(&one.ListenPort, "listen-port", 8089, "the port number to listen on for connections")
	flag.StringVar(&one.Domain, "domain", "", "the domain name to verify")
	flag.StringVar(&one.Token, "token", "", "the challenge token to verify against")
	flag.StringVar(&one.Key, "key", "", "the challenge key to respond with")
	flag.Parse()
	logf.InitLogs()
	log.Fatal(one.Listen(logf.Log))
}
