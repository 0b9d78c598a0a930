/** The way in. Recorded; policy may read `face`. */
export interface Origin {
  readonly face: 'mcp' | 'cli' | 'stdio' | 'loop' | 'console';
  /** Protocol version that the client speaks, where the face has one. */
  readonly protocolVersion?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly requestId?: string | undefined;
}
