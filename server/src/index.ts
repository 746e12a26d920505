export { startApp, type App } from './app.ts';
export { ConfigError, readConfig, type Config } from './config.ts';
export { createRouter, type AppRouter, type RouterInputs, type RouterOutputs } from './transports/trpc-router.ts';
