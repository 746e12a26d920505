import { z } from 'zod';

const forms = [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()];

/** One address, or a block of them: RFC 4632 for IPv4, RFC 4291 §2.3 for IPv6. */
const AddressBlock = z
  .string()
  .trim()
  .max(49)
  .refine((text) => forms.some((form) => form.safeParse(text).success), {
    message: 'must be an address or a block such as 203.0.113.0/24 or 2001:db8::/32',
  })
  .meta({
    id: 'AddressBlock',
    description: 'An IP address, or a block in CIDR notation',
    examples: ['203.0.113.0/24'],
  });

const blocks = (description: string) => z.array(AddressBlock).max(1000).meta({ description });
const allow = blocks('When it names any, only calls from these are served');
const block = blocks('Calls from these are not served, whatever is allowed');

export const AddressRules = z
  .object({
    allow,
    block,
    /** 1 for the lists that a tenant has before it sets any: empty ones. */
    version: z.int(),
    updatedAt: z.date().nullable(),
  })
  .meta({ id: 'AddressRules', description: 'From which addresses a tenant’s users and keys may call' });
export type AddressRules = z.output<typeof AddressRules>;

export const wholeAddressRules = { allow: allow.default([]), block: block.default([]) };
