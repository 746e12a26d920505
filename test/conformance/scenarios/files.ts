import type { Scenario, Step } from '../scenario.ts';
import { missing, mug } from './steps.ts';

const pixel = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const setting: Step = {
  call: 'products.setImage',
  input: { id: '$mug.id', content: pixel },
  value: { version: 2, image: { mediaType: 'image/gif', width: 1, height: 1, bytes: 42 } },
};
const set: Step = { ...setting, save: 'set' };
const begun: Step = {
  call: 'files.uploads.create',
  input: { length: 42, mediaType: 'image/gif' },
  value: { length: 42, offset: 0, mediaType: 'image/gif', productId: null, createdAt: '$date', expiresAt: '$date' },
  save: 'upload',
};

export const files: readonly Scenario[] = [
  {
    name: 'files: the image of a product',
    steps: [
      mug,
      { call: 'products.getImage', input: { id: '$mug.id' }, fails: 'IMAGE_NOT_FOUND', data: { id: '$mug.id' } },
      set,
      { call: 'products.get', input: { id: '$mug.id' }, value: { image: { id: '$set.image.id' } } },
      { call: 'products.list', value: { items: [{ image: { id: '$set.image.id' } }] } },
      {
        call: 'products.getImage',
        input: { id: '$mug.id' },
        as: 'viewer',
        value: { id: '$set.image.id', productId: '$mug.id', createdBy: '$ownerId', createdAt: '$date', bytes: 42 },
      },
      { call: 'files.get', input: { id: '$set.image.id' }, value: { id: '$set.image.id', url: '$set.image.url' } },
      { call: 'products.removeImage', input: { id: '$mug.id' } },
      { call: 'products.get', input: { id: '$mug.id' }, value: { image: null, version: 3 } },
      { call: 'files.get', input: { id: '$set.image.id' }, fails: 'FILE_NOT_FOUND' },
    ],
  },
  {
    name: 'files: an image is for those who write products',
    steps: [
      mug,
      { ...setting, as: 'viewer', fails: 'FORBIDDEN' },
      { ...setting, as: 'nobody', fails: 'UNAUTHENTICATED' },
      { call: 'products.removeImage', input: { id: '$mug.id' }, as: 'staff', fails: 'FORBIDDEN' },
      { ...begun, as: 'staff', fails: 'FORBIDDEN' },
    ],
  },
  {
    name: 'files: another tenant’s are as if they were missing',
    steps: [
      mug,
      set,
      { ...setting, as: 'stranger', fails: 'PRODUCT_NOT_FOUND', data: { id: '$mug.id' } },
      { call: 'products.getImage', input: { id: '$mug.id' }, as: 'stranger', fails: 'PRODUCT_NOT_FOUND' },
      { call: 'products.removeImage', input: { id: '$mug.id' }, as: 'stranger', fails: 'PRODUCT_NOT_FOUND' },
      { call: 'files.get', input: { id: '$set.image.id' }, as: 'stranger', fails: 'FILE_NOT_FOUND' },
    ],
  },
  {
    name: 'files: what is no image',
    steps: [
      mug,
      { call: 'products.setImage', input: { id: '$mug.id', content: 'PHN2Zy8+' }, fails: 'UNSUPPORTED_MEDIA_TYPE' },
      {
        call: 'products.setImage',
        input: { id: '$mug.id', content: 'iVBORw0KGgoAAAANSUhEUg==' },
        fails: 'IMAGE_REFUSED',
        data: { reason: 'unreadable' },
      },
      {
        call: 'products.setImage',
        input: { id: '$mug.id' },
        fails: 'INVALID_INPUT',
        data: { issues: [{ field: 'content' }] },
      },
      { call: 'products.setImage', input: { id: '$mug.id', content: '%' }, fails: 'INVALID_INPUT' },
    ],
  },
  {
    name: 'files: another version',
    steps: [
      mug,
      {
        call: 'products.setImage',
        input: { id: '$mug.id', content: pixel, expectedVersion: 9 },
        fails: 'VERSION_CONFLICT',
        data: { currentVersion: 1 },
      },
      set,
      { call: 'products.removeImage', input: { id: '$mug.id', expectedVersion: 1 }, fails: 'VERSION_CONFLICT' },
    ],
  },
  {
    name: 'files: a link that is none',
    steps: [{ call: 'files.open', input: { link: 'AAAA' }, as: 'nobody', fails: 'FILE_LINK_INVALID' }],
  },
  {
    name: 'files: a resumable upload',
    steps: [
      begun,
      { call: 'files.uploads.get', input: { id: '$upload.id' }, value: { id: '$upload.id', offset: 0, length: 42 } },
      { call: 'files.uploads.get', input: { id: '$upload.id' }, as: 'stranger', fails: 'UPLOAD_NOT_FOUND' },
      { call: 'files.uploads.cancel', input: { id: '$upload.id' }, as: 'stranger', fails: 'UPLOAD_NOT_FOUND' },
      mug,
      {
        call: 'products.setImage',
        input: { id: '$mug.id', uploadId: '$upload.id' },
        fails: 'UPLOAD_INCOMPLETE',
        data: { offset: 0, length: 42 },
      },
      { call: 'files.uploads.cancel', input: { id: '$upload.id' } },
      { call: 'files.uploads.get', input: { id: '$upload.id' }, fails: 'UPLOAD_NOT_FOUND' },
      {
        call: 'products.setImage',
        input: { id: '$mug.id', uploadId: '$upload.id' },
        fails: 'UPLOAD_NOT_FOUND',
      },
      { ...begun, input: { length: 42, productId: missing }, fails: 'PRODUCT_NOT_FOUND' },
      { ...begun, input: { length: 42, mediaType: 'image/svg+xml' }, fails: 'INVALID_INPUT' },
      { ...begun, input: { length: 1e12 }, fails: 'PAYLOAD_TOO_LARGE', data: { limit: 20_971_520 } },
    ],
  },
];
