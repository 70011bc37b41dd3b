// Command external-dns prints the records that external-dns would publish, as lines of a zone file. It has external-dns's own
// flags and sources, but no DNS provider: those are most of the time that a build takes.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/source"
	"sigs.k8s.io/external-dns/source/annotations"
)

func main() {
	config := externaldns.NewConfig()
	if err := config.ParseFlags(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
	annotations.SetAnnotationPrefix(config.AnnotationPrefix)
	settings, err := source.NewSourceConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	sources, err := source.ByNames(ctx, settings, settings.ClientGenerator())
	if err != nil {
		log.Fatal(err)
	}
	for _, one := range sources {
		endpoints, err := one.Endpoints(ctx)
		if err != nil {
			log.Fatal(err)
		}
		for _, endpoint := range endpoints {
			for _, target := range endpoint.Targets {
				fmt.Printf("%s. %d IN %s %s\n", endpoint.DNSName, endpoint.RecordTTL, endpoint.RecordType, target)
			}
		}
	}
}
