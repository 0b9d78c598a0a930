/** The way in. Recorded; policy may read `face`. */
export interface Origin {
  readonly face: 'mcp' | 'cli' | 'stdio' | 'loop' | 'console';
  /** Protocol version that the client speaks, where the face has one. */
  readonly protocolVersion?: string;
  readonly sessionId?: string;
  readonly requestId?: string;
}
