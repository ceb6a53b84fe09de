/** The names of the schemes, which all that is loaded for one of them alone need not be loaded for. @module */

/** Docker Content Trust. */
export const DCT = "dct";
/** The schemes whose signatures lie beside the image, in the order in which they are published. */
export const IMAGE_SCHEMES = ["cosign", "notation"] as const;
/** All schemes, in the order in which they are published: where one fails, content trust is not moved. */
export const SCHEMES = [...IMAGE_SCHEMES, DCT] as const;

/** A scheme whose signatures lie beside the image. */
export type ImageScheme = typeof IMAGE_SCHEMES[number];
/** The name of a scheme. */
export type SchemeName = typeof SCHEMES[number];
