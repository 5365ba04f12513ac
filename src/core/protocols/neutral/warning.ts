/** Something that could not cross to the target's protocol and was changed or dropped on purpose. Sent as `x-gateway-dropped`, stored with the record. */
export interface Warning {
  /** Path in the client's body: `messages[0].name`. */
  readonly path: string
  readonly action: 'dropped' | 'changed'
  readonly reason: string
}
