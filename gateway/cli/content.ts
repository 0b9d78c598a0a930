/** The content of a tool result as texts for a person: text as it is, everything else described. */
import { isJsonObject, own, type JsonObject, type JsonValue } from '../../core/json.ts';

export function describeContent(result: JsonObject): string[] {
  const content = own(result, 'content');
  const blocks = Array.isArray(content) ? content : [];
  if (blocks.length > 0) return blocks.map(describeBlock);
  const structured = own(result, 'structuredContent');
  return [structured === undefined ? '[no content]' : JSON.stringify(structured, null, 2)];
}

function describeBlock(block: JsonValue): string {
  if (!isJsonObject(block)) return `[content that is no object: ${JSON.stringify(block).slice(0, 80)}]`;
  const type = own(block, 'type');
  switch (type) {
    case 'text':
      return String(own(block, 'text'));
    case 'image':
    case 'audio':
      return `[${type}${wordOf(block, 'mimeType')}${sizeOf(own(block, 'data'))}; --json prints it]`;
    case 'resource_link':
      return `[resource${wordOf(block, 'uri')}${wordOf(block, 'mimeType')}]`;
    case 'resource':
      return describeResource(own(block, 'resource'));
    default:
      return `[content of type ${JSON.stringify(type)}; --json prints it]`;
  }
}

function describeResource(resource: JsonValue | undefined): string {
  if (!isJsonObject(resource)) return '[resource without content]';
  const text = own(resource, 'text');
  if (typeof text === 'string') return text;
  return `[resource${wordOf(resource, 'uri')}${wordOf(resource, 'mimeType')}${sizeOf(own(resource, 'blob'))}; --json prints it]`;
}

function wordOf(block: JsonObject, key: string): string {
  const value = own(block, key);
  return typeof value === 'string' ? ` ${value.slice(0, 200)}` : '';
}

const sizeOf = (base64: JsonValue | undefined): string => (typeof base64 === 'string' ? `, ${Buffer.byteLength(base64, 'base64')} bytes` : '');
