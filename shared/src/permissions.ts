/** Roles of a tenant's users, from least to most. `super_admin` is the platform's own and holds no tenant permission. */
export const roles = ['viewer', 'staff', 'manager', 'admin', 'owner'] as const;
export type Role = (typeof roles)[number];

const granted = {
  viewer: [
    'self:read',
    'self:write',
    'products:read',
    'orders:read',
    'customers:read',
    'locations:read',
    'analytics:read',
  ],
  staff: ['orders:write', 'customers:write', 'stock:write'],
  manager: ['products:write', 'locations:write', 'users:read', 'orders:import', 'orders:export', 'products:import'],
  admin: ['users:write', 'audit:read'],
  owner: ['tenant:manage'],
} as const satisfies Record<Role, readonly string[]>;

export type Permission = (typeof granted)[Role][number];

/** Whether `role` stands at or above `other`. */
export const atLeast = (role: Role, other: Role): boolean => roles.indexOf(role) >= roles.indexOf(other);

/** Each role's own permissions and those of every role below it. */
export const permissionsOf: Readonly<Record<Role, ReadonlySet<Permission>>> = Object.fromEntries(
  roles.map((role) => [
    role,
    new Set<Permission>(roles.filter((lower) => atLeast(role, lower)).flatMap((lower) => granted[lower])),
  ]),
) as unknown as Record<Role, ReadonlySet<Permission>>;
