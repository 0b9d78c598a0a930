/** JSON.rawJSON and friends (ECMAScript "JSON.parse source text access"): in Node since 21, not yet in the library types. */
interface JSON {
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): boolean;
}
