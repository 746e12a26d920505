import type { SystemDb } from '@olympus/database';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Mail, Mailer } from '../../platform/mail.ts';
import type { Letter } from '../auth/letter.ts';
import { deleteMailToken, findAddressee, insertMailToken, type Purpose } from './repository.ts';
import { hashOf } from './tokens.ts';

/** Pages of the front end that mails lead to; `{token}` stands for the token. */
export type Links = Readonly<Record<Purpose, string>>;

export interface LettersOptions {
  readonly db: SystemDb;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly links: Links;
}

const minute = 60_000;
const lifetimes: Readonly<Record<Purpose, number>> = { resetPassword: 30 * minute, verifyEmail: 24 * 60 * minute };
/** Mails of one kind to one user in an hour; whoever asks for more cannot fill the mailbox. */
const perHour = 5;

/**
 * Writes a letter and sends it, if there is somebody to send it to. A token is made here and not before, so that none
 * waits in a queue in the clear. Rejects when the mail could not be handed over.
 */
export function createLetters({ db, mailer, clock, ids, links }: LettersOptions): (letter: Letter) => Promise<void> {
  const sendLink = async (email: string, purpose: Purpose, write: (link: string) => Omit<Mail, 'to'>) => {
    const user = await findAddressee(db, email);
    if (!user || (purpose === 'verifyEmail' && user.emailVerifiedAt)) return;
    const now = clock.now();
    const token = ids.secret(32);
    const made = { id: ids.next(), purpose, email, hash: hashOf(token), createdAt: now };
    const expiresAt = new Date(now.getTime() + lifetimes[purpose]);
    if (!(await insertMailToken(db, user, { ...made, expiresAt, perHour }))) return;
    try {
      await mailer.send({ to: email, ...write(links[purpose].replaceAll('{token}', token)) });
    } catch (error) {
      // What nobody was told of must not count against the next attempt.
      await deleteMailToken(db, made.hash);
      throw error;
    }
  };

  return async ({ kind, email }) => {
    switch (kind) {
      case 'resetPassword':
        return sendLink(email, kind, resetPassword);
      case 'verifyEmail':
        return sendLink(email, kind, verifyEmail);
      case 'passwordChanged':
        return mailer.send({ to: email, ...passwordChanged });
      case 'secondFactorReset':
        return mailer.send({ to: email, ...secondFactorReset });
    }
  };
}

const resetPassword = (link: string) => ({
  subject: 'Set a new password',
  text: `Somebody, most likely you, asked for a new password for this address. Set it here within 30 minutes:

${link}

If it was not you, nothing needs to be done: your password stays as it is.
`,
});

const verifyEmail = (link: string) => ({
  subject: 'Confirm your e-mail address',
  text: `Open this link within a day to confirm that this address is yours:

${link}

If you did not ask for it, nothing needs to be done.
`,
});

const passwordChanged = {
  subject: 'Your password was changed',
  text: `The password of your account has just been changed, and other devices were signed out.

If it was not you, ask for a new password on the sign-in page now.
`,
};

const secondFactorReset = {
  subject: 'Your second factor was turned off',
  text: `An administrator has turned the second factor of your account off, and your devices were signed out. From now on
your password alone signs you in, until you set a second factor up again.

If you did not ask for it, change your password now and speak to your administrator.
`,
};
