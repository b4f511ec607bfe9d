// Package state is the pure state machine of governance: accounts, logins, requests, approvals, claims, the audit chain and the
// few replicated values the product needs. Every agent applies the same commands in the same order and holds the same bytes.
// The cluster package calls it. It must not use a clock, randomness, map order, the network, the disk or anything but the
// standard library: the leader stamps time into the commands, and whoever proposes brings the nonce.
package state
