import type { Database } from '@olympus/database';
import type { Clock } from '../../../platform/clock.ts';
import type { CredentialSource } from '../authenticator.ts';
import { createIntrospection } from './introspection.ts';
import { createIssuerTokens } from './issuer-tokens.ts';
import { createLinkedUsers } from './linked-users.ts';
import type { ExternalIssuer } from './settings.ts';

/** The credentials of other issuers that the operator trusts. */
export function externalSources(
  issuers: readonly ExternalIssuer[],
  { database, clock }: { database: Database; clock: Clock },
): CredentialSource[] {
  if (issuers.length === 0) return [];
  const users = createLinkedUsers(database, clock);
  const asked = issuers.filter(({ introspection }) => introspection);
  const signing = issuers.filter(({ jwks }) => jwks !== undefined);
  return [
    ...(signing.length > 0 ? [createIssuerTokens(signing, users, clock)] : []),
    ...asked.map((settings) => createIntrospection(settings, users, clock)),
  ];
}
