// @ts-check
// Runs inside the JupyterLab page: the few things that a test asks JupyterLab's own application object for.
// Nothing here waits, because a wait inside the page would have no deadline. The test starts something, then polls.

/** @type {any} */ (window).labDriver = {
  /** How many things that were started have not ended. */
  pending: 0,

  /**
   * The notebook's panel. Not `shell.currentWidget`, which may be an output view.
   * @param {string} path
   * @returns {any}
   */
  panel(path) {
    const app = /** @type {any} */ (window).jupyterapp;
    for (const widget of app?.shell.widgets("main") ?? []) {
      if (widget.context?.path === path && widget.content?.widgets) return widget;
    }
    return null;
  },

  /** @param {string} path */
  kernel(path) {
    return this.panel(path)?.sessionContext?.session?.kernel ?? null;
  },

  /** @param {string} path */
  isReady(path) {
    const panel = this.panel(path);
    return Boolean(panel?.context.isReady && panel.sessionContext.isReady && this.isIdle(path));
  },

  /** @param {string} path */
  isIdle(path) {
    return this.pending === 0 && this.kernel(path)?.status === "idle";
  },

  /** @param {Promise<unknown>} promise */
  track(promise) {
    this.pending += 1;
    const done = () => { this.pending -= 1; };
    promise.then(done, (error) => { done(); console.error(`labDriver: ${error}`); });
  },

  /**
   * Run a cell as its user does: choose it, then JupyterLab's own command.
   * @param {string} path
   * @param {number} index
   */
  run(path, index) {
    const app = /** @type {any} */ (window).jupyterapp;
    const panel = this.panel(path);
    app.shell.activateById(panel.id);
    panel.content.deselectAll();
    panel.content.activeCellIndex = index;
    this.track(app.commands.execute("notebook:run-cell"));
  },

  /** @param {string} path */
  restart(path) {
    this.track(this.panel(path).sessionContext.restartKernel());
  },

  /** @param {string} theme */
  setTheme(theme) {
    this.track(/** @type {any} */ (window).jupyterapp.commands.execute("apputils:change-theme", { theme }));
  },

  /**
   * Every cell's outputs as the notebook's file would hold them.
   * @param {string} path
   */
  outputs(path) {
    const cells = this.panel(path)?.content.widgets ?? [];
    return cells.map((/** @type {any} */ cell) => cell.model.outputs?.toJSON() ?? []);
  },

  /**
   * What the reader sees below a cell. Outputs only: the cell's own source would match what it prints.
   * @param {string} path
   * @param {number} index
   */
  outputText(path, index) {
    const node = this.panel(path).content.widgets[index].node;
    const outputs = [...node.querySelectorAll(".jp-OutputArea-output")];
    return outputs.map((output) => output.innerText.trimEnd()).join("\n");
  },
};
