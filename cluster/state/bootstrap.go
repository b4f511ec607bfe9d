package state

import (
	"slices"
	"strings"
)

// Bootstrap sets up the cluster once: its id, the two accounts and the first logins.
type Bootstrap struct {
	Cluster           string    `json:"cluster"`
	Accounts          [2]string `json:"accounts"`
	Members           []Member  `json:"members"`
	RequireActivation bool      `json:"require_activation,omitempty"` // instances need an executed ACTIVATE first
}

func (c *Bootstrap) number() uint16 { return 1 }

// apply enrols everybody or nobody.
func (c *Bootstrap) apply(x *step) (uint64, *Refusal) {
	if x.d.Cluster != "" {
		return 0, refuse(codeDuplicate, "the cluster is set up already")
	}
	if refusal := c.check(); refusal != nil {
		return 0, refusal
	}
	names := slices.Sorted(slices.Values(c.Accounts[:]))
	x.d.Cluster = c.Cluster
	x.d.RequireActivation = c.RequireActivation
	for _, name := range names {
		x.d.Accounts = append(x.d.Accounts, Account{Name: name, Epoch: 1})
		x.d.Versions[accountKey(name)] = 1
	}
	var who []string
	for _, m := range c.Members {
		x.d.Members[m.Login] = &m
		if m.Account != "" {
			who = append(who, m.Login+" of "+m.Account)
		}
	}
	slices.Sort(who)
	x.audit("cluster", "BOOTSTRAP", 0, "accounts "+strings.Join(names, ", ")+"; members "+strings.Join(who, ", "))
	return 0, nil
}

// check refuses accounts that are not two, logins twice, and a person in both accounts.
func (c *Bootstrap) check() *Refusal {
	if c.Cluster == "" || c.Accounts[0] == "" || c.Accounts[1] == "" || c.Accounts[0] == c.Accounts[1] {
		return refuse(codeInvalid, "a cluster needs an id and two different accounts")
	}
	members := map[string]*Member{}
	filled := map[string]bool{}
	for i := range c.Members {
		m := &c.Members[i]
		if refusal := checkLogin(m.Login, m.Person); refusal != nil {
			return refusal
		}
		if members[m.Login] != nil {
			return refuse(codeDuplicate, "login %q is given twice", m.Login)
		}
		if m.Account != "" && !slices.Contains(c.Accounts[:], m.Account) {
			return refuse(codeUndefined, "account %q does not exist", m.Account)
		}
		if refusal := checkPerson(members, m.Person, m.Account); refusal != nil {
			return refusal
		}
		members[m.Login] = m
		filled[m.Account] = true
	}
	if !filled[c.Accounts[0]] || !filled[c.Accounts[1]] {
		return refuse(codeInvalid, "each account needs at least one member")
	}
	return nil
}

// checkLogin refuses names that PostgreSQL could not have as a role, or that could deceive a reader.
func checkLogin(login, person string) *Refusal {
	for _, name := range []string{login, person} {
		if name == "" || len(name) > 63 || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0xFFFD }) {
			return refuse(codeInvalidName, "invalid login or person name %q", name).hint("Names have 1 to 63 bytes and no control characters.")
		}
	}
	return nil
}

// checkPerson refuses a person who already has a login in the other account: two accounts are two people.
func checkPerson(members map[string]*Member, person, account string) *Refusal {
	if account == "" {
		return nil
	}
	for _, login := range sortedKeys(members) {
		m := members[login]
		if m.Person == person && m.Account != "" && m.Account != account {
			return refuse(codePrivilege, "person %q is a member of account %s already and cannot also be one of %s", person, m.Account, account).
				hint("The two accounts must be held by different people.")
		}
	}
	return nil
}
