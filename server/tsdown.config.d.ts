/** What a deployment runs: `node dist/bin/olympus.js start`. The workspace's own packages are built in; libraries are not. */
declare const _default: import("tsdown").UserConfig;
export default _default;
