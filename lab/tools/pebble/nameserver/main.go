// Command nameserver is an authoritative DNS server for tests. Each argument, DOMAIN=ADDRESS, is a zone in which every name has
// that address. TXT records change by dynamic updates (RFC 2136) that are signed with the key (TSIG, RFC 8945), as DNS servers
// take them from cert-manager's solver rfc2136. They are forgotten when it ends.
package main

import (
	"flag"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Unit: seconds.
const ttl = 1

type server struct {
	keyName string
	// Address of each zone, by its name.
	zones map[string]string

	lock sync.Mutex
	txts []dns.RR
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8053", "ADDRESS:PORT, for UDP and TCP")
	key := flag.String("key", "", "NAME:SECRET of the key that signs updates, the secret in base64")
	flag.Parse()
	name, secret, _ := strings.Cut(*key, ":")
	s := &server{keyName: dns.Fqdn(name), zones: map[string]string{}}
	for _, zone := range flag.Args() {
		domain, address, found := strings.Cut(zone, "=")
		if !found {
			log.Fatalf("expected DOMAIN=ADDRESS, not %s", zone)
		}
		s.zones[dns.Fqdn(domain)] = address
	}
	failed := make(chan error)
	for _, network := range []string{"udp", "tcp"} {
		one := &dns.Server{
			Addr:       *listen,
			Net:        network,
			Handler:    s,
			TsigSecret: map[string]string{s.keyName: secret},
			// The default refuses updates.
			MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept },
		}
		go func() { failed <- one.ListenAndServe() }()
	}
	log.Fatal(<-failed)
}

// ServeDNS implements dns.Handler.
func (s *server) ServeDNS(writer dns.ResponseWriter, request *dns.Msg) {
	reply := new(dns.Msg).SetReply(request)
	reply.Authoritative = true
	signature := request.IsTsig()
	signed := signature != nil && writer.TsigStatus() == nil
	switch {
	case len(request.Question) != 1 || s.zoneOf(request.Question[0].Name) == "":
		reply.Rcode = dns.RcodeRefused
	case request.Opcode == dns.OpcodeQuery:
		s.answer(request.Question[0], reply)
	case request.Opcode != dns.OpcodeUpdate:
		reply.Rcode = dns.RcodeNotImplemented
	case !signed:
		reply.Rcode = dns.RcodeNotAuth
	default:
		reply.Rcode = s.update(request.Ns)
	}
	if signed {
		reply.SetTsig(s.keyName, signature.Algorithm, 300, time.Now().Unix())
	}
	if err := writer.WriteMsg(reply); err != nil {
		log.Print(err)
	}
}

func (s *server) zoneOf(name string) string {
	for zone := range s.zones {
		if dns.IsSubDomain(zone, strings.ToLower(name)) {
			return zone
		}
	}
	return ""
}

func (s *server) answer(question dns.Question, reply *dns.Msg) {
	zone := s.zoneOf(question.Name)
	soa := record("%s %d IN SOA ns.%s hostmaster.%s 1 3600 600 86400 %d", zone, ttl, zone, zone, ttl)
	switch question.Qtype {
	case dns.TypeA:
		reply.Answer = []dns.RR{record("%s %d IN A %s", question.Name, ttl, s.zones[zone])}
	case dns.TypeTXT:
		s.lock.Lock()
		defer s.lock.Unlock()
		for _, one := range s.txts {
			if strings.EqualFold(one.Header().Name, question.Name) {
				reply.Answer = append(reply.Answer, one)
			}
		}
	case dns.TypeSOA:
		if strings.EqualFold(question.Name, zone) {
			reply.Answer = []dns.RR{soa}
		}
	}
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{soa}
	}
}

// update adds records of class IN, and removes those of class NONE (RFC 2136, section 2.5). Returns the reply's code.
func (s *server) update(changes []dns.RR) int {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, change := range changes {
		txt, ok := change.(*dns.TXT)
		if !ok || s.zoneOf(txt.Hdr.Name) == "" {
			return dns.RcodeRefused
		}
		kept := s.txts[:0:0]
		for _, one := range s.txts {
			if !dns.IsDuplicate(one, &dns.TXT{Hdr: header(txt), Txt: txt.Txt}) {
				kept = append(kept, one)
			}
		}
		switch txt.Hdr.Class {
		case dns.ClassINET:
			log.Printf("add %s %q", txt.Hdr.Name, txt.Txt)
			s.txts = append(kept, &dns.TXT{Hdr: header(txt), Txt: txt.Txt})
		case dns.ClassNONE:
			log.Printf("remove %s %q", txt.Hdr.Name, txt.Txt)
			s.txts = kept
		default:
			return dns.RcodeNotImplemented
		}
	}
	return dns.RcodeSuccess
}

func header(txt *dns.TXT) dns.RR_Header {
	return dns.RR_Header{Name: txt.Hdr.Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: ttl}
}

func record(format string, parts ...any) dns.RR {
	made, err := dns.NewRR(fmt.Sprintf(format, parts...))
	if err != nil {
		log.Fatal(err)
	}
	return made
}
