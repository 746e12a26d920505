import type { Notice } from '@olympus/contracts';

type Content = Pick<Notice, 'order' | 'stock' | 'announcement'>;
/** As it is kept: instants are texts. */
export type StoredContent = Omit<Content, 'announcement'> & {
  readonly announcement:
    | (Omit<NonNullable<Content['announcement']>, 'createdAt'> & { readonly createdAt: string })
    | null;
};

/** What a notification says, of what is kept of it. */
export function noticeOf({
  content: { order, stock, announcement },
  ...rest
}: Omit<Notice, keyof Content> & { readonly content: StoredContent }): Notice {
  return {
    ...rest,
    order,
    stock,
    announcement: announcement && { ...announcement, createdAt: new Date(announcement.createdAt) },
  };
}

/** What is kept of it, beside its columns. */
export const contentOf = ({ order, stock, announcement }: Notice): Content => ({ order, stock, announcement });
