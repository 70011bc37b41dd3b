// Command conformance is the Gateway API's own conformance suite, which is a Go test, as a program.
package main

import (
	"regexp"
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func main() {
	suite := []testing.InternalTest{{Name: "Conformance", F: conformance.RunConformance}}
	testing.Main(regexp.MatchString, suite, nil, nil)
}
