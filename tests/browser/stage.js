// A stage for one widget: loads its ESM as anywidget does, from a Blob URL, and plays the kernel.
globalThis.stage = {
  sent: [],
  listeners: new Set(),
  others: new Map(),
  manager: {},
  view: null,
  isClosed: false,

  model(kind) {
    return {
      get: (name) => (name === "kind" ? kind : undefined),
      set: () => {
        throw new Error("the page must not set traits");
      },
      widget_manager: this.manager,
      on: (event, listener) =>
        event === "msg:custom" ? this.listeners.add(listener) : this.others.set(event, listener),
      off: (event, listener) =>
        event === "msg:custom" ? this.listeners.delete(listener) : this.others.delete(event),
      send: (message) => {
        if (this.isClosed) throw new Error("the comm is closed");
        this.view ??= message.view;
        this.sent.push(structuredClone(message));
      },
    };
  },

  async load(source) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.module = await import(url);
  },

  mount(kind) {
    const el = document.querySelector("#widget");
    this.cleanup = this.module.default.render({ model: this.model(kind), el });
  },

  say(message, buffers = []) {
    const addressed = message.type === "frame" ? { view: this.view, ...message } : message;
    const views = buffers.map((bytes) => new DataView(new Uint8Array(bytes).buffer));
    for (const listener of this.listeners) listener(addressed, views);
  },

  emit(event) {
    this.others.get(event)();
  },

  takeSent() {
    return this.sent.splice(0);
  },

  // Resolves when the widget's own listeners have heard the event too, for they came first.
  heard(selector, event) {
    const element = document.querySelector(selector);
    return new Promise((resolve) => {
      element.addEventListener(event, () => resolve(), { once: true });
    });
  },

  scroll(selector, top) {
    const scrolled = this.heard(selector, "scroll");
    document.querySelector(selector).scrollTop = top;
    return scrolled;
  },
};
