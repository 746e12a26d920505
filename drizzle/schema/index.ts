export * from './access.ts';
export * from './address-rules.ts';
export * from './audit.ts';
export * from './catalogue.ts';
export * from './events.ts';
export * from './files.ts';
export * from './identity.ts';
export * from './orders.ts';
