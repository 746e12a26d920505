import type { Told } from './roster.ts';

export interface Typing {
  readonly tenantId: string;
  readonly channelId: string;
  readonly userId: string;
  /** Milliseconds since the epoch; null: it has ended. */
  readonly until: number | null;
}

/** What processes tell each other. `hello` asks all to tell what they know. */
export type Message = { readonly origin: string } & (
  | { readonly kind: 'hello' }
  | { readonly kind: 'users'; readonly users: readonly Told[] }
  | { readonly kind: 'typing'; readonly typing: Typing }
);

/** Null for what other programs may send on the channel. */
export function parseMessage(text: string): Message | null {
  try {
    const message = JSON.parse(text) as Message;
    if (typeof message.origin !== 'string') return null;
    if (message.kind === 'hello') return message;
    if (message.kind === 'users') return message.users.every(isAbout) ? message : null;
    return message.kind === 'typing' && isAbout(message.typing) && typeof message.typing.channelId === 'string'
      ? message
      : null;
  } catch {
    return null;
  }
}

const isAbout = ({ tenantId, userId }: { tenantId: string; userId: string }): boolean =>
  typeof tenantId === 'string' && typeof userId === 'string';
