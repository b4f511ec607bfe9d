package state

import "slices"

// checkAddMember wants an account that exists, a login without one, and a person who does not stand in the other.
func checkAddMember(d *data, r *Request) *Refusal {
	account, login := r.Args[ArgAccount], r.Args[ArgLogin]
	if refusal := d.checkAccount(account); refusal != nil {
		return refusal
	}
	person := d.personOf(r)
	if refusal := checkLogin(login, person); refusal != nil {
		return refusal
	}
	if m, ok := d.Members[login]; ok && m.Account != "" {
		return refuse(codeDuplicate, "login %q is a member of account %s already", login, m.Account)
	}
	return checkPerson(d.Members, person, account)
}

// personOf is the person an AddMember request is about: as given, or as the reading login says, or the login itself.
func (d *data) personOf(r *Request) string {
	if p := r.Args[ArgPerson]; p != "" {
		return p
	}
	if m, ok := d.Members[r.Args[ArgLogin]]; ok {
		return m.Person
	}
	return r.Args[ArgLogin]
}

// checkAccount refuses accounts that are not one of the two.
func (d *data) checkAccount(name string) *Refusal {
	if slices.ContainsFunc(d.Accounts, func(a Account) bool { return a.Name == name }) {
		return nil
	}
	return refuse(codeUndefined, "account %q does not exist", name).hint("The accounts are %s and %s.", d.Accounts[0].Name, d.Accounts[1].Name)
}

// addMember gives a login an account. A new login has no password until the operator sets its first one.
func addMember(x *step, r *Request) string {
	login := r.Args[ArgLogin]
	m := Member{Login: login, Role: r.Args[ArgRole]}
	if old, ok := x.d.Members[login]; ok {
		m.Verifier = old.Verifier
		if m.Role == "" {
			m.Role = old.Role
		}
	}
	if m.Role == "" {
		m.Role = login
	}
	m.Account, m.Person = r.Args[ArgAccount], x.d.personOf(r)
	x.d.Members[login] = &m
	x.newEpoch(m.Account)
	return "login " + login + " is a member of account " + m.Account
}

// checkDropMember wants a member of that account who is not the last one.
func checkDropMember(d *data, r *Request) *Refusal {
	account, login := r.Args[ArgAccount], r.Args[ArgLogin]
	if refusal := d.checkAccount(account); refusal != nil {
		return refusal
	}
	if m, ok := d.Members[login]; !ok || m.Account != account {
		return refuse(codeUndefined, "login %q is not a member of account %s", login, account)
	}
	if d.membersOf(account) == 1 {
		return refuse(codeNotInState, "login %q is the last member of account %s", login, account).hint("Add another member first.")
	}
	return nil
}

// membersOf counts an account's members.
func (d *data) membersOf(account string) int {
	n := 0
	for _, m := range d.Members {
		if m.Account == account {
			n++
		}
	}
	return n
}

// dropMember takes the account away; the login can still read.
func dropMember(x *step, r *Request) string {
	m := x.d.Members[r.Args[ArgLogin]]
	account := m.Account
	m.Account = ""
	x.newEpoch(account)
	return "login " + m.Login + " is no longer a member of account " + account
}

// newEpoch raises an account's epoch: approvals that were waiting do not survive a change of the members.
func (x *step) newEpoch(account string) {
	x.bump(accountKey(account))
	for i := range x.d.Accounts {
		if a := &x.d.Accounts[i]; a.Name == account {
			a.Epoch = x.d.Versions[accountKey(account)]
		}
	}
}
