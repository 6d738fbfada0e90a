// What went wrong, as an exception with the fields of the API's problem (RFC 9457). `isChange`: something was to be changed.

export class Problem extends Error {
  constructor(status, fields, isChange = false) {
    super(fields.detail ?? fields.title ?? "");
    Object.assign(this, { status, isChange, code: fields.code ?? "unknown", fields: fields.errors ?? [], requestId: fields.request_id, title: fields.title });
  }
}
