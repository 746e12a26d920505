/** The part of `s3rver`, which has no types of its own, that tests use. */
declare module 's3rver' {
  export interface KoaContext {
    readonly method: string;
    readonly path: string;
    readonly query: Readonly<Record<string, string | undefined>>;
    status: number;
    body: unknown;
  }
  export default class S3rver {
    constructor(options: { port: number; address: string; silent: boolean; directory: string });
    readonly middleware: ((context: KoaContext, next: () => Promise<void>) => Promise<void>)[];
    readonly store: { getResourcePath(bucket: string, key: string | undefined, resource: string): string };
    run(): Promise<{ port: number }>;
    close(): Promise<void>;
  }
}
