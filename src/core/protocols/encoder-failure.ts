/** Why an encoder of any protocol gives up, in sentences for the client. The provider's own words are not among them: they are not yet cleaned of names and addresses. */
export const failed = 'The provider failed to answer this request.'
export const unfinished = 'The provider ended the answer before it was complete.'
