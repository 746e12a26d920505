import { z } from 'zod';
import { mutation, query, subscription } from '../contract.ts';
import { errors } from '../errors.ts';
import { NotificationEvent } from '../events.ts';
import { Id, lastEventId, pageInput, pageOf, sortOf } from '../models/common.ts';
import {
  Announcement,
  newAnnouncement,
  Notification,
  NotificationKind,
  NotificationPreferences,
  NotificationSettings,
  preferenceChanges,
  settingChanges,
  UnreadCount,
} from '../models/notification.ts';

const { NOTIFICATION_NOT_FOUND } = errors;

/** Everybody's own: nobody sees or reads those of others. */
export const notifications = {
  list: query({
    summary: 'List the caller’s notifications, the newest first',
    operationId: 'listNotifications',
    rest: 'GET /notifications',
    access: 'notifications:read',
    input: z.strictObject({
      ...pageInput,
      sort: sortOf(['sequence'], '-sequence'),
      kind: NotificationKind.optional(),
      unread: z
        .boolean()
        .optional()
        .meta({ description: 'true: only what is not read; false: only what is', examples: [true] }),
    }),
    output: pageOf(Notification, 'NotificationPage'),
  }),
  unread: query({
    summary: 'Count the caller’s notifications that are not read',
    operationId: 'countUnreadNotifications',
    rest: 'GET /notifications/unread',
    access: 'notifications:read',
    output: UnreadCount,
  }),
  markRead: mutation({
    summary: 'Mark some of the caller’s notifications read, on all devices',
    operationId: 'markNotificationsRead',
    rest: 'POST /notifications/read',
    status: 204,
    access: 'notifications:write',
    audit: false,
    input: z.strictObject({ ids: z.array(Id).min(1).max(100) }),
    output: z.null(),
    errors: { NOTIFICATION_NOT_FOUND },
  }),
  markAllRead: mutation({
    summary: 'Mark all of the caller’s notifications read, or all up to one, on all devices',
    operationId: 'markAllNotificationsRead',
    rest: 'POST /notifications/read-all',
    status: 204,
    access: 'notifications:write',
    audit: false,
    input: z.strictObject({
      readThrough: z
        .int()
        .min(0)
        .optional()
        .meta({ description: 'Only those up to this sequence: what the user has not seen yet stays', examples: [42] }),
    }),
    output: z.null(),
  }),
  updates: subscription({
    summary: 'Follow the caller’s notifications, what is read of them on other devices, and how many are not',
    operationId: 'followNotifications',
    rest: 'GET /notifications/events',
    access: 'notifications:read',
    rate: 'stream',
    tracked: true,
    input: z.strictObject({ kind: NotificationKind.optional(), lastEventId }),
    output: NotificationEvent,
  }),
  preferences: {
    get: query({
      summary: 'Get of what the caller is told',
      operationId: 'getNotificationPreferences',
      rest: 'GET /notifications/preferences',
      access: 'notifications:read',
      output: NotificationPreferences,
    }),
    update: mutation({
      summary: 'Change of what the caller is told',
      operationId: 'updateNotificationPreferences',
      rest: 'PATCH /notifications/preferences',
      access: 'notifications:write',
      input: z.strictObject(preferenceChanges),
      output: NotificationPreferences,
    }),
  },
  settings: {
    get: query({
      summary: 'Get what holds for all notifications of the tenant',
      operationId: 'getNotificationSettings',
      rest: 'GET /notifications/settings',
      access: 'products:read',
      output: NotificationSettings,
    }),
    update: mutation({
      summary: 'Change what holds for all notifications of the tenant',
      operationId: 'updateNotificationSettings',
      rest: 'PUT /notifications/settings',
      access: 'products:write',
      input: z.strictObject(settingChanges),
      output: NotificationSettings,
    }),
  },
  announce: mutation({
    summary: 'Announce something to everybody in the tenant',
    operationId: 'announce',
    rest: 'POST /notifications/announcements',
    status: 201,
    access: 'notifications:announce',
    input: z.strictObject(newAnnouncement),
    output: Announcement,
  }),
};
