package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tailscale.com/util/rands"
)

// authKey is a key nodes join with.
type authKey struct {
	ID            string
	Secret        string
	Reusable      bool
	Ephemeral     bool
	Preauthorized bool
	Tags          []string
	// Login owns nodes of a key without tags.
	Login       string
	Description string
	Created     time.Time
	Expires     time.Time
	// Revoked is zero while it is not.
	Revoked time.Time
	Used    int
}

// add keeps a key and gives it an id and a secret. The lock is held.
func (t *tailnet) add(k authKey) *authKey {
	k.ID = "k" + rands.HexString(12) + "CNTRL"
	k.Secret = "tskey-auth-" + k.ID + "-" + rands.HexString(32)
	k.Created = time.Now()
	t.keys[k.ID] = &k
	return &k
}

// findKey finds a key that lets a node in now. The lock is held.
func (t *tailnet) findKey(secret string) (*authKey, error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(secret, "tskey-auth-"), "-")
	k := t.keys[id]
	if k == nil || k.Secret != secret {
		return nil, errors.New("invalid key: unable to validate API key")
	}
	if !k.valid() {
		return nil, fmt.Errorf("invalid key: API key %s not valid", k.ID)
	}
	return k, nil
}

func (k *authKey) valid() bool {
	return k.Revoked.IsZero() && time.Now().Before(k.Expires) && (k.Reusable || k.Used == 0)
}

// login is who owns the nodes of the key.
func (k *authKey) login() string {
	if len(k.Tags) > 0 {
		return taggedDevices
	}
	return k.Login
}
