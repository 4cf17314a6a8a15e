// Prints what etcd's own packages say of store files: a line of JSON a file, with the status of
// `etcdutl snapshot status` and, for each revision that is whole, the hash of `etcdutl hashkv`.
// The files must be copies: opening a store may write to it.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"go.uber.org/zap"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

type hash struct {
	Hash     uint32 `json:"hash"`
	Revision int64  `json:"revision"`
	Compact  int64  `json:"compact"`
}

type said struct {
	Status snapshot.Status `json:"status"`
	Error  string          `json:"error"`
	Hashes []hash          `json:"hashes"`
}

func main() {
	for _, path := range os.Args[1:] {
		if err := json.NewEncoder(os.Stdout).Encode(ask(path)); err != nil {
			panic(err)
		}
	}
}

func ask(path string) (found said) {
	defer func() {
		if cause := recover(); cause != nil {
			found.Error = fmt.Sprint(cause)
		}
	}()
	status, err := snapshot.NewV3(zap.NewNop()).Status(path)
	found.Status = status
	if err != nil {
		found.Error = err.Error()
		return found
	}
	found.Hashes = hashes(path)
	return found
}

func hashes(path string) []hash {
	config := backend.DefaultBackendConfig(zap.NewNop())
	config.Path = path
	b := backend.New(config)
	defer b.Close()
	store := mvcc.NewStore(zap.NewNop(), b, &lease.FakeLessor{}, mvcc.StoreConfig{})
	defer store.Close()
	var found []hash
	current := store.Rev()
	for rev := int64(1); rev <= current; rev++ {
		// A storage of its own each time: it would answer from its memory.
		h, _, err := mvcc.NewHashStorage(zap.NewNop(), store).HashByRev(rev)
		if err == nil {
			found = append(found, hash{h.Hash, h.Revision, h.CompactRevision})
		}
	}
	return found
}
