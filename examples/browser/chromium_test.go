//go:build !js

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A browser is a tab of a Chromium without a window, driven by the DevTools protocol
// on its pipe: JSON, each message ended by a zero byte.
type browser struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	id      int
	session string
}

// open starts the program, which ends with the test, and opens a tab.
func open(t *testing.T, ctx context.Context, program string) *browser {
	t.Helper()
	commands, to, err := os.Pipe()
	require.NoError(t, err)
	from, answers, err := os.Pipe()
	require.NoError(t, err)
	profile, err := os.MkdirTemp("", "heavytail-browser-*") // not TempDir: processes that are on their way out may still write to it
	require.NoError(t, err)
	// --no-sandbox: CI is root, and opens no page but ours.
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--window-size=900,900", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{commands, answers} // 3 and 4
	var log bytes.Buffer
	cmd.Stderr = &log
	cmd.WaitDelay = 5 * time.Second // its helpers may hold the log
	require.NoError(t, cmd.Start())
	commands.Close()
	answers.Close()
	b := &browser{t: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		b.to.Close() // ends it
		_ = cmd.Wait()
		from.Close()
		_ = os.RemoveAll(profile)
		if t.Failed() {
			t.Logf("%s says:\n%s", program, log.Bytes())
		}
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	return b
}

// call runs a method of the protocol and reads its result.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.id++
	text, err := json.Marshal(map[string]any{"id": b.id, "method": method, "params": params, "sessionId": b.session})
	require.NoError(b.t, err)
	if b.session == "" {
		text, err = json.Marshal(map[string]any{"id": b.id, "method": method, "params": params})
		require.NoError(b.t, err)
	}
	_, err = b.to.Write(append(text, 0))
	require.NoError(b.t, err, method)
	for {
		line, err := b.from.ReadBytes(0)
		require.NoError(b.t, err, "the browser ended during %s", method)
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		require.NoError(b.t, json.Unmarshal(line[:len(line)-1], &answer))
		if answer.ID != b.id { // an event
			continue
		}
		require.Empty(b.t, string(answer.Error), method)
		require.NoError(b.t, json.Unmarshal(answer.Result, result))
		return
	}
}

// eval returns the value of an expression of the page, waiting for promises.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &answer)
	require.Empty(b.t, string(answer.ExceptionDetails), expression)
	return answer.Result.Value
}

// until waits for an expression of the page to be true.
func (b *browser) until(ctx context.Context, expression string) {
	b.t.Helper()
	for b.eval(expression) != true {
		require.NoError(b.t, ctx.Err(), "waiting for %s; the page says %q", expression, b.eval("document.getElementById('status')?.textContent"))
		time.Sleep(20 * time.Millisecond)
	}
}

// fill puts values into the fields as a person does, by their events.
func (b *browser) fill(f form) {
	b.t.Helper()
	text, err := json.Marshal(f)
	require.NoError(b.t, err)
	b.eval(fmt.Sprintf(`for (const [k, v] of Object.entries(%s)) { $(k).value = v; $(k).dispatchEvent(new Event("change", { bubbles: true })); }`, text))
}

// screenshot writes what the page shows to a PNG file.
func (b *browser) screenshot(path string) {
	b.t.Helper()
	var shot struct{ Data []byte } // base64 in JSON
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	require.NoError(b.t, os.WriteFile(path, shot.Data, 0o666))
}

// In a browser the page draws the bytes that the command writes, shows the steps on
// the way, refuses what is no seed, ignores a second click, and stops when asked to.
// HEAVYTAIL_CHROMIUM names the browser (.ci/run page), HEAVYTAIL_SCREENSHOT where a
// picture of the page goes.
func TestPage(t *testing.T) {
	program := os.Getenv("HEAVYTAIL_CHROMIUM")
	if program == "" {
		t.Skip("HEAVYTAIL_CHROMIUM names no browser")
	}
	file := sample(t)
	site := t.TempDir()
	require.NoError(t, build(site, "../.."))
	server := httptest.NewServer(http.FileServerFS(os.DirFS(site)))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	b := open(t, ctx, program)
	b.call("Page.navigate", map[string]any{"url": server.URL}, &struct{}{})
	b.until(ctx, `document.readyState === "complete" && document.getElementById("draw")?.disabled === false`)

	// What is no seed is said at its field, and nothing is drawn.
	b.fill(form{Seed: "seven", Class: "9", Steps: "10", Method: "dlim"})
	b.eval(`$("draw").click()`)
	b.until(ctx, `!running`)
	require.Contains(t, b.eval(`$("seed-trouble").textContent`), `"seven" is no seed`)
	require.Equal(t, []any{"true", true, "seed"}, b.eval(`[$("seed").getAttribute("aria-invalid"), $("result").hidden, document.activeElement.id]`))

	// A picture, and clicks while it is drawn.
	b.eval(`shown = []; seen = on.show; on.show = (m) => { seen(m); shown.push(canvas.toDataURL()); }`)
	b.fill(form{Seed: "7", Class: "9", Steps: "10", Method: "dlim"})
	b.eval(`$("draw").click(); $("draw").click(); $("form").requestSubmit()`)
	b.until(ctx, `shown.length > 2`)
	require.Equal(t, []any{true, false, true}, b.eval(`$("draw").click(); $("form").requestSubmit(); [$("draw").disabled, $("cancel").disabled, running]`))
	b.until(ctx, `!$("result").hidden`)
	t.Log(b.eval(`$("status").textContent`))
	hash := func(line string) string { return fmt.Sprintf("%x", sha256.Sum256(file(line))) }
	line := "heavytail sample -n 1 -seed 7 -class 9 -method dlim -steps 10"
	require.Equal(t, line+" -o 7.npy\nsha256sum 7.npy", b.eval(`$("command").textContent`))
	require.Equal(t, hash(line), b.eval(`$("sha256").textContent`))
	require.Equal(t, []any{11.0, 11.0}, b.eval(`[shown.length, new Set(shown).size]`), "the noise and ten steps, each another picture")
	require.Equal(t, hash(line), b.eval(`fetch($("npy").href).then((r) => r.arrayBuffer()).then((x) => crypto.subtle.digest("SHA-256", x)).then((d) => [...new Uint8Array(d)].map((v) => v.toString(16).padStart(2, "0")).join(""))`), "the file that is offered")
	if path := os.Getenv("HEAVYTAIL_SCREENSHOT"); path != "" {
		b.screenshot(path)
	}

	// Cancelled, and then another one.
	b.fill(form{Seed: "8", Class: "", Steps: "999", Method: "dlpm"})
	b.eval(`shown.length = 0; $("draw").click()`)
	b.until(ctx, `shown.length > 1`)
	b.eval(`$("cancel").click()`)
	b.until(ctx, `!running`)
	require.Equal(t, []any{"Cancelled.", true, false, true}, b.eval(`[$("status").textContent, $("result").hidden, $("draw").disabled, $("cancel").disabled]`))
	b.fill(form{Seed: "8", Class: "", Steps: "1", Method: "dlim"})
	b.eval(`$("draw").click()`)
	b.until(ctx, `!$("result").hidden`)
	require.Equal(t, hash("heavytail sample -n 1 -seed 8 -method dlim -steps 1"), b.eval(`$("sha256").textContent`))

	require.Equal(t, true, b.eval(`performance.getEntriesByType("resource").every((e) => new URL(e.name).origin === location.origin || e.name.startsWith("blob:") || e.name.startsWith("data:"))`), "nothing from elsewhere")
}
