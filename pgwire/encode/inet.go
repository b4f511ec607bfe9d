package encode

import (
	"net/netip"
	"strings"
)

// The OIDs of network addresses; the two differ in a flag and in whether a full mask is written.
const (
	oidCIDR = 650
	oidInet = 869
)

// appendInet writes family, mask length, the cidr flag, the address' length and the address.
func appendInet(dst, text []byte, cidr byte) ([]byte, error) {
	host, mask, _ := strings.Cut(string(text), "/")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return dst, notPostgres("network address")
	}
	length := addr.BitLen()
	if mask != "" {
		p, err := netip.ParsePrefix(host + "/" + mask)
		if err != nil {
			return dst, notPostgres("network address")
		}
		length = p.Bits()
	}
	family := byte(2)
	if addr.Is6() {
		family = 3
	}
	raw := addr.AsSlice()
	return append(append(dst, family, byte(length), cidr, byte(len(raw))), raw...), nil
}
