/** Roles of a tenant's users, from least to most. */
export const roles = ['viewer', 'staff', 'manager', 'admin', 'owner'] as const;
export type TenantRole = (typeof roles)[number];

/** The platform's own role. It stands in no tenant's hierarchy and holds no permission over a tenant's data. */
export const superAdmin = 'super_admin';
export type Role = TenantRole | typeof superAdmin;
export const allRoles = [...roles, superAdmin] as const;

const granted = {
  viewer: [
    'self:read',
    'self:write',
    'identity:read',
    'products:read',
    'orders:read',
    'customers:read',
    'locations:read',
    'analytics:read',
    // Chat is of people, not of data: everybody reads and writes where they are a member, and nobody elsewhere.
    'chat:read',
    'chat:write',
    // Everybody's own notifications, and of what they want to be told.
    'notifications:read',
    'notifications:write',
  ],
  staff: ['orders:write', 'customers:write', 'stock:write'],
  manager: ['products:write', 'locations:write', 'users:read', 'orders:import', 'orders:export', 'products:import'],
  admin: [
    'users:write',
    'apiKeys:manage',
    'audit:read',
    'chat:moderate',
    'events:manage',
    'webhooks:manage',
    'notifications:announce',
  ],
  owner: ['tenant:manage'],
  super_admin: ['self:read', 'self:write', 'identity:read', 'platform:tenants'],
} as const satisfies Record<Role, readonly string[]>;

export type Permission = (typeof granted)[Role][number];

/** Whether `role` stands at or above `other`. The platform's role and those of tenants are above nobody of each other. */
export const atLeast = (role: Role, other: Role): boolean =>
  role === other || (role !== superAdmin && other !== superAdmin && roles.indexOf(role) >= roles.indexOf(other));

/** Each role's own permissions and those of every role below it. */
export const permissionsOf: Readonly<Record<Role, ReadonlySet<Permission>>> = Object.fromEntries(
  allRoles.map((role) => [
    role,
    new Set<Permission>(allRoles.filter((lower) => atLeast(role, lower)).flatMap((lower) => granted[lower])),
  ]),
) as unknown as Record<Role, ReadonlySet<Permission>>;

/**
 * What an API key may be given. A list of its own, so that a permission that is added later reaches no key unasked:
 * never a person's own account (`self:*`), users, keys, the tenant, or the platform.
 */
export const keyScopes = [
  'products:read',
  'products:write',
  'products:import',
  'stock:write',
  'orders:read',
  'orders:write',
  'orders:import',
  'orders:export',
  'customers:read',
  'customers:write',
  'locations:read',
  'locations:write',
  'analytics:read',
  'chat:read',
  'chat:write',
] as const satisfies readonly Permission[];
export type KeyScope = (typeof keyScopes)[number];

/** What a key may do now: its scopes, as far as its creator still holds them. Every key may ask who it is. */
export const permissionsOfKey = (creator: Role, scopes: readonly string[]): ReadonlySet<Permission> =>
  new Set<Permission>([
    'identity:read',
    ...keyScopes.filter((scope) => scopes.includes(scope) && permissionsOf[creator].has(scope)),
  ]);

/** What outlives the hour of a platform user who acts in a tenant, or is a person's own: what people tell each other too. */
const notForActors: ReadonlySet<Permission> = new Set<Permission>([
  'self:read',
  'self:write',
  'apiKeys:manage',
  'chat:read',
  'chat:write',
  'chat:moderate',
  'notifications:read',
  'notifications:write',
]);

/** What a platform user may do who acts in a tenant with a role of its hierarchy. */
export const permissionsOfActor = (role: TenantRole): ReadonlySet<Permission> =>
  new Set([...permissionsOf[role]].filter((permission) => !notForActors.has(permission)));

/** Where addresses must be verified, what a user may do who has not: look after their own account, a mistyped address included. */
export const permissionsOfUnverified: ReadonlySet<Permission> = new Set<Permission>([
  'self:read',
  'self:write',
  'identity:read',
]);

/** Roles that hold a permission by themselves, from least to most. */
export const rolesWith = (permission: Permission): Role[] =>
  allRoles.filter((role) => permissionsOf[role].has(permission));
