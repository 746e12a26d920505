import type { Scenario, Step } from '../scenario.ts';
import { missing } from './steps.ts';

const team: Step = {
  call: 'chat.channels.create',
  input: { name: 'Warehouse', userIds: ['$staffId'] },
  save: 'team',
};
const direct: Step = { call: 'chat.channels.openDirect', input: { userId: '$staffId' }, save: 'direct' };
const hello: Step = {
  call: 'chat.messages.send',
  input: { channelId: '$team.id', clientId: 'hello', text: 'Hello there' },
  save: 'hello',
};
const say = (text: string, as: Step['as'] = 'owner'): Step => ({
  call: 'chat.messages.send',
  input: { channelId: '$team.id', clientId: text.replaceAll(/\W/g, '-'), text },
  as,
  save: 'said',
});
const noChannel = { fails: 'CHANNEL_NOT_FOUND', data: { id: '$team.id' } } as const;

export const chat: readonly Scenario[] = [
  {
    name: 'chat: a team channel is opened, named and seen by its members',
    steps: [
      {
        ...team,
        value: {
          kind: 'team',
          name: 'Warehouse',
          createdBy: '$ownerId',
          withUserId: null,
          lastSequence: 0,
          lastMessage: null,
          readSequence: 0,
          unreadCount: 0,
          version: 1,
        },
      },
      { call: 'chat.channels.get', input: { id: '$team.id' }, as: 'staff', value: { name: 'Warehouse' } },
      {
        call: 'chat.channels.rename',
        input: { id: '$team.id', name: 'Stock', expectedVersion: 1 },
        as: 'staff',
        value: { name: 'Stock', version: 2 },
      },
      {
        call: 'chat.channels.rename',
        input: { id: '$team.id', name: 'Other', expectedVersion: 1 },
        fails: 'VERSION_CONFLICT',
        data: { currentVersion: 2 },
      },
      {
        call: 'chat.members.list',
        input: { id: '$team.id', withTotal: true },
        value: { totalCount: 2, items: [{ readSequence: 0, readAt: null }, { userId: '$staffId' }] },
      },
    ],
  },
  {
    name: 'chat: everybody finds whom to chat with',
    steps: [
      {
        call: 'chat.people.list',
        input: { q: 'STAFF' },
        as: 'viewer',
        value: { items: [] },
      },
      { call: 'chat.channels.openDirect', input: { userId: '$staffId' } },
      {
        call: 'chat.people.list',
        input: { q: 'STAFF' },
        as: 'viewer',
        value: { items: [{ userId: '$staffId', name: 'staff' }] },
      },
    ],
  },
  {
    name: 'chat: one direct channel for each pair, whoever opens it',
    steps: [
      { ...direct, value: { kind: 'direct', name: null, withUserId: '$staffId' } },
      {
        call: 'chat.channels.openDirect',
        input: { userId: '$ownerId' },
        as: 'staff',
        value: { id: '$direct.id', withUserId: '$ownerId' },
      },
      {
        call: 'chat.channels.rename',
        input: { id: '$direct.id', name: 'Us' },
        fails: 'CHANNEL_IS_DIRECT',
        data: { id: '$direct.id' },
      },
      { call: 'chat.members.add', input: { id: '$direct.id', userIds: ['$viewerId'] }, fails: 'CHANNEL_IS_DIRECT' },
      { call: 'chat.channels.leave', input: { id: '$direct.id' }, fails: 'CHANNEL_IS_DIRECT' },
      {
        call: 'chat.channels.openDirect',
        input: { userId: '$ownerId' },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'userId' }] },
      },
      {
        call: 'chat.channels.openDirect',
        input: { userId: missing },
        fails: 'USER_NOT_FOUND',
        data: { id: missing },
      },
      { call: 'chat.channels.create', input: { name: 'X', userIds: [missing] }, fails: 'USER_NOT_FOUND' },
    ],
  },
  {
    name: 'chat: only members read, write and know of a channel',
    steps: [
      team,
      hello,
      ...(['viewer', 'stranger'] as const).flatMap((as): Step[] => [
        { call: 'chat.channels.get', input: { id: '$team.id' }, as, ...noChannel },
        { call: 'chat.channels.list', input: {}, as, value: { items: [] } },
        { call: 'chat.members.list', input: { id: '$team.id' }, as, ...noChannel },
        { call: 'chat.messages.list', input: { channelId: '$team.id' }, as, ...noChannel },
        { call: 'chat.messages.search', input: { q: 'hello' }, as, value: { items: [] } },
        { ...say('Let me in', as), save: 'none', ...noChannel },
        { call: 'chat.channels.markRead', input: { id: '$team.id', sequence: 1 }, as, ...noChannel },
        { call: 'chat.channels.rename', input: { id: '$team.id', name: 'Mine' }, as, ...noChannel },
        { call: 'chat.channels.leave', input: { id: '$team.id' }, as, ...noChannel },
        { call: 'chat.members.add', input: { id: '$team.id', userIds: ['$viewerId'] }, as, ...noChannel },
        { call: 'chat.members.remove', input: { id: '$team.id', userId: '$staffId' }, as, ...noChannel },
        { call: 'chat.signal', input: { channelId: '$team.id' }, as, ...noChannel },
        { call: 'chat.messages.get', input: { id: '$hello.id' }, as, fails: 'MESSAGE_NOT_FOUND' },
        { call: 'chat.messages.edit', input: { id: '$hello.id', text: 'x' }, as, fails: 'MESSAGE_NOT_FOUND' },
        { call: 'chat.messages.delete', input: { id: '$hello.id' }, as, fails: 'MESSAGE_NOT_FOUND' },
      ]),
    ],
  },
  {
    name: 'chat: messages have their places, and are sent once for each client id',
    steps: [
      team,
      {
        ...hello,
        value: { sequence: 1, senderId: '$ownerId', text: 'Hello there', editedAt: null, deletedAt: null, version: 1 },
      },
      { ...hello, save: 'again', value: { id: '$hello.id', sequence: 1 } },
      { ...hello, as: 'staff', value: { sequence: 2, senderId: '$staffId' } },
      direct,
      {
        call: 'chat.messages.send',
        input: { channelId: '$direct.id', clientId: 'hello', text: 'Hello there' },
        fails: 'MESSAGE_ID_REUSED',
        data: { clientId: 'hello', messageId: '$again.id' },
      },
      {
        call: 'chat.messages.list',
        input: { channelId: '$team.id' },
        value: { items: [{ sequence: 2 }, { sequence: 1 }] },
      },
      {
        call: 'chat.messages.list',
        input: { channelId: '$team.id', sort: 'sequence', after: 1 },
        value: { items: [{ sequence: 2 }], nextCursor: null },
      },
    ],
  },
  {
    name: 'chat: a text is 1 to 4,000 characters',
    steps: [
      team,
      { ...say('   '), fails: 'INVALID_INPUT', data: { issues: [{ field: 'text' }] } },
      { ...say('x'.repeat(4000)), input: { channelId: '$team.id', clientId: 'long', text: 'x'.repeat(4000) } },
      {
        call: 'chat.messages.send',
        input: { channelId: '$team.id', clientId: 'longer', text: 'x'.repeat(4001) },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'text' }] },
      },
      {
        call: 'chat.messages.send',
        input: { channelId: '$team.id', clientId: 'not an id', text: 'x' },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'clientId' }] },
      },
    ],
  },
  {
    name: 'chat: own messages are edited and deleted, and a moderator deletes',
    steps: [
      team,
      hello,
      {
        call: 'chat.messages.edit',
        input: { id: '$hello.id', text: 'Good evening', expectedVersion: 1 },
        value: { text: 'Good evening', editedAt: '$date', sequence: 1, version: 2 },
      },
      {
        call: 'chat.messages.edit',
        input: { id: '$hello.id', text: 'Good night', expectedVersion: 1 },
        fails: 'VERSION_CONFLICT',
        data: { currentVersion: 2 },
      },
      { call: 'chat.messages.edit', input: { id: '$hello.id', text: 'Boo' }, as: 'staff', fails: 'FORBIDDEN' },
      { call: 'chat.messages.delete', input: { id: '$hello.id' }, as: 'staff', fails: 'FORBIDDEN' },
      say('Mine', 'staff'),
      { call: 'chat.messages.delete', input: { id: '$said.id', expectedVersion: 1 }, value: null },
      { call: 'chat.messages.delete', input: { id: '$said.id' }, as: 'staff', value: null },
      {
        call: 'chat.messages.get',
        input: { id: '$said.id' },
        value: { text: null, deletedAt: '$date', sequence: 2, version: 2 },
      },
      {
        call: 'chat.messages.edit',
        input: { id: '$said.id', text: 'Back' },
        as: 'staff',
        fails: 'MESSAGE_NOT_FOUND',
      },
    ],
  },
  {
    name: 'chat: what is unread, and who has read',
    steps: [
      team,
      hello,
      say('How are you'),
      { call: 'chat.channels.list', input: {}, value: { items: [{ unreadCount: 0, lastMessage: { sequence: 2 } }] } },
      {
        call: 'chat.channels.list',
        input: {},
        as: 'staff',
        value: { items: [{ unreadCount: 2, readSequence: 0, lastSequence: 2, lastMessage: { text: 'How are you' } }] },
      },
      {
        call: 'chat.channels.markRead',
        input: { id: '$team.id', sequence: 1 },
        as: 'staff',
        value: { userId: '$staffId', readSequence: 1, readAt: '$date' },
      },
      { call: 'chat.channels.get', input: { id: '$team.id' }, as: 'staff', value: { unreadCount: 1 } },
      {
        call: 'chat.channels.markRead',
        input: { id: '$team.id', sequence: 99 },
        as: 'staff',
        value: { readSequence: 2 },
      },
      {
        call: 'chat.channels.markRead',
        input: { id: '$team.id', sequence: 0 },
        as: 'staff',
        value: { readSequence: 2 },
      },
      {
        call: 'chat.members.list',
        input: { id: '$team.id', readSequence: 2 },
        value: { items: [{ userId: '$staffId', readSequence: 2 }] },
      },
    ],
  },
  {
    name: 'chat: search finds the beginnings of words in one’s own channels',
    steps: [
      team,
      say('Blue mugs, it’s late'),
      say('Red mugs'),
      say('Teapots'),
      {
        call: 'chat.messages.search',
        input: { q: 'MUG' },
        as: 'staff',
        value: { items: [{ text: 'Red mugs' }, { text: 'Blue mugs, it’s late' }] },
      },
      { call: 'chat.messages.search', input: { q: 'late blu' }, value: { items: [{ sequence: 1 }] } },
      { call: 'chat.messages.search', input: { q: "' | teapots:* & !x" }, value: { items: [] } },
      { call: 'chat.messages.search', input: { q: '!!!' }, value: { items: [] } },
      { call: 'chat.messages.search', input: { q: 'mugs', channelId: missing }, value: { items: [] } },
    ],
  },
  {
    name: 'chat: members come and go',
    steps: [
      team,
      hello,
      { call: 'chat.members.add', input: { id: '$team.id', userIds: ['$viewerId'] }, as: 'staff' },
      { call: 'chat.members.add', input: { id: '$team.id', userIds: [missing] }, fails: 'USER_NOT_FOUND' },
      {
        call: 'chat.channels.get',
        input: { id: '$team.id' },
        as: 'viewer',
        value: { unreadCount: 0, readSequence: 1 },
      },
      { ...say('I see', 'viewer'), value: { sequence: 2 } },
      { call: 'chat.signal', input: { channelId: '$team.id' }, as: 'viewer', value: null },
      {
        call: 'chat.members.remove',
        input: { id: '$team.id', userId: '$staffId' },
        as: 'viewer',
        fails: 'FORBIDDEN',
        data: { permission: 'chat:moderate' },
      },
      { call: 'chat.members.remove', input: { id: '$team.id', userId: '$viewerId' }, value: null },
      { call: 'chat.members.remove', input: { id: '$team.id', userId: '$viewerId' }, value: null },
      { call: 'chat.members.remove', input: { id: '$team.id', userId: missing }, fails: 'USER_NOT_FOUND' },
      { call: 'chat.messages.list', input: { channelId: '$team.id' }, as: 'viewer', ...noChannel },
      { call: 'chat.channels.leave', input: { id: '$team.id' }, as: 'staff', value: null },
      { call: 'chat.channels.get', input: { id: '$team.id' }, as: 'staff', ...noChannel },
    ],
  },
];
