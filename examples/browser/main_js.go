package main

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	imagedraw "image/draw"
	"syscall/js"
	"time"

	"heavytail"
	"heavytail/fashion"
)

// In a Web Worker this program opens the built-in model, tells the page what it can
// do, and draws what the page asks for, one picture at a time:
//
//	to it    {draw: form as JSON}, {cancel: true}
//	from it  {ready: model as JSON}, {show: rgba, width, height, left, moves},
//	         {done: sha256, command, npy, png}, {failed: text, field}, {cancelled: true}
func main() {
	m, err := fashion.Model()
	if err != nil {
		post(map[string]any{"failed": err.Error(), "field": ""})
		return
	}
	cancel := func() {}
	busy := false
	js.Global().Set("onmessage", js.FuncOf(func(_ js.Value, args []js.Value) any {
		data := args[0].Get("data")
		switch form := data.Get("draw"); {
		case data.Get("cancel").Truthy():
			cancel()
		case busy: // the page asks only when it has an answer
			post(map[string]any{"failed": "a picture is being drawn: cancel it first", "field": ""})
		default:
			var ctx context.Context
			ctx, cancel = context.WithCancel(context.Background())
			busy = true
			go func() { // the handler must return before other events come
				answer := serve(ctx, m, form.String())
				cancel()
				busy = false
				post(answer)
			}()
		}
		return nil
	}))
	post(map[string]any{"ready": about(m)})
	select {}
}

func post(message map[string]any) { js.Global().Call("postMessage", message) }

// about returns what the page must know of the model, as JSON.
func about(m *heavytail.Model) string {
	type method struct {
		Name  string `json:"name"`
		Steps int    `json:"steps"` // where none are said
	}
	var methods []method
	for _, name := range m.Methods() {
		o, err := m.Resolve(heavytail.Options{Method: name})
		if err != nil {
			continue
		}
		methods = append(methods, method{name, o.Steps})
	}
	standard, _ := m.Resolve(heavytail.Options{})
	shape := m.Shape()
	text, err := json.Marshal(map[string]any{"version": heavytail.Version, "methods": methods, "method": standard.Method,
		"classes": m.ClassNames(), "height": shape[0], "width": shape[1]})
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// serve draws what the form asks for, and returns the last message about it.
func serve(ctx context.Context, m *heavytail.Model, text string) map[string]any {
	failed := func(err error) map[string]any {
		field := ""
		if bad := (*mistake)(nil); errors.As(err, &bad) {
			field = bad.field
		}
		return map[string]any{"failed": err.Error(), "field": field}
	}
	var f form
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return failed(err)
	}
	o, err := f.options(m)
	if err != nil {
		return failed(err)
	}
	moves := m.Moves(o)
	r, err := draw(ctx, m, o, func(left int, x *heavytail.Images) {
		picture := x.Image(0)
		size := picture.Bounds()
		rgba := image.NewRGBA(size)
		imagedraw.Draw(rgba, size, picture, size.Min, imagedraw.Src)
		post(map[string]any{"show": bytesOf(rgba.Pix), "width": size.Dx(), "height": size.Dy(), "left": left, "moves": moves})
		time.Sleep(time.Millisecond) // the worker's other events, such as the message that cancels
	})
	switch {
	case errors.Is(err, context.Canceled):
		return map[string]any{"cancelled": true}
	case err != nil:
		return failed(err)
	}
	return map[string]any{"done": r.sha256, "command": command(o), "npy": bytesOf(r.npy), "png": bytesOf(r.png)}
}

// bytesOf returns a Uint8Array with the bytes of b.
func bytesOf(b []byte) js.Value {
	out := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(out, b)
	return out
}
