package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"unsafe"

	"tailscale.com/tstest/integration/testcontrol"
)

// wrapInside puts a handler before what nodes ask inside their Noise connection. testcontrol has no hook there: its
// routes are a private field, whose name and type are checked before it is touched.
func wrapInside(server *testcontrol.Server, wrap func(http.Handler) http.Handler) error {
	// makes testcontrol make its routes
	server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/generate_204", nil))
	field := reflect.ValueOf(server).Elem().FieldByName("mux")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*http.ServeMux]() {
		return fmt.Errorf("testcontrol changed: it has no routes named mux")
	}
	routes := (**http.ServeMux)(unsafe.Pointer(field.UnsafeAddr()))
	outer := http.NewServeMux()
	outer.Handle("/", wrap(*routes))
	*routes = outer
	return nil
}

// inside is what a node asks the control server: registrations are judged, unknown questions answered, not fatal.
func (t *tailnet) inside(control http.Handler) http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("POST /machine/register", func(w http.ResponseWriter, r *http.Request) { t.register(w, r, control) })
	routes.HandleFunc("POST /machine/map", func(w http.ResponseWriter, r *http.Request) { t.pollMap(w, r, control) })
	for _, path := range []string{"/ts2021", "/key", "/c2n/", "POST /machine/set-dns", "POST /machine/update-health"} {
		routes.Handle(path, control)
	}
	return routes
}
