// Search in a site that is opened from the disk. A browser starts no workers for files, so what would be one runs in a
// hidden frame. Messages go through a channel, as they do with a worker: copied, later, and kept until somebody listens.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      const { port1: here, port2: there } = new MessageChannel();
      this.here = here;
      this.onmessage = null;
      here.onmessage = (event) => this.onmessage?.(event);
      const script = document.createElement("script");
      script.src = new URL(url, location.href).href;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.title = "Search";
      this.frame.srcdoc = `<!doctype html><title>Search</title>${script.outerHTML}`;
      this.frame.addEventListener("load", () => {
        const inside = this.frame.contentWindow;
        inside.postMessage = (data) => there.postMessage(data);
        there.onmessage = (event) => inside.onmessage(event);
      });
      document.body.append(this.frame);
    }

    postMessage(data) {
      this.here.postMessage(data);
    }

    terminate() {
      this.here.close();
      this.frame.remove();
    }
  };
}
