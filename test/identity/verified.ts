import { startMailbox, tokenOf } from '@olympus/server/platform/mailbox-testing.ts';
import { rest } from '../harness.ts';

/** Lets users of a server show that their address is theirs, by the mail that they are sent. */
export interface Verification {
  /** Variables that make a server send its mails here. */
  readonly env: Readonly<Record<string, string>>;
  verify(url: string, email: string): Promise<void>;
  close(): Promise<void>;
}

export async function startVerification(): Promise<Verification> {
  const mailbox = await startMailbox();
  return {
    env: { SMTP_URL: mailbox.url, MAIL_FROM: 'no-reply@olympus.test' },
    async verify(url, email) {
      const path = '/account/email-verification';
      await rest(url, { method: 'POST', path: `${path}/request`, body: { email } });
      const token = tokenOf(await mailbox.next(email));
      const { status } = await rest(url, { method: 'POST', path, body: { token } });
      if (status !== 204) throw new Error(`the address could not be verified: ${status}`);
    },
    close: () => mailbox.close(),
  };
}
